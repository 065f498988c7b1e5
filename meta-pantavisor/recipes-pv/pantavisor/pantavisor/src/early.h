/* SPDX-License-Identifier: MIT */
#ifndef PV_EARLY_H
#define PV_EARLY_H

/* What every later phase takes for granted: kernel file systems, a console, limits, the loopback interface.
 */
void pv_early_setup(void);

#endif
