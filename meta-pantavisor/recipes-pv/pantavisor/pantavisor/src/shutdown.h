/* SPDX-License-Identifier: MIT */
/* The last actions, once the containers ended or were given up: strays, mounts, file systems, the kernel.
 */
#ifndef PV_SHUTDOWN_H
#define PV_SHUTDOWN_H

#include "pv.h"

_Noreturn void pv_shutdown(struct pv *pv);

#endif
