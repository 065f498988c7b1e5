/* SPDX-License-Identifier: MIT */
#ifndef PV_INIT_H
#define PV_INIT_H

/* PID 1, from the first mount to reboot(2). */
_Noreturn void pv_init(void);

#endif
