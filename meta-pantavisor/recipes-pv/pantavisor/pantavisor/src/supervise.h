/* SPDX-License-Identifier: MIT */
/* The containers of the running revision, driven by the main loop: groups in order, status goals, recovery.
 */
#ifndef PV_SUPERVISE_H
#define PV_SUPERVISE_H

#include "pv.h"

/* Does what is due; `next` becomes the time when something is due again, if that is earlier. */
void pv_supervise_tick(struct pv *pv, int64_t now, int64_t *next);
/* A child of PID 1 ended. */
void pv_supervise_reaped(struct pv *pv, pid_t pid, int wait_status, int64_t now);

#endif
