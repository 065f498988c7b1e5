/* SPDX-License-Identifier: MIT */
/* The containers of the running revision: groups in order, status goals, recovery. Driven by the main loop.
 */
#ifndef PV_SUPERVISE_H
#define PV_SUPERVISE_H

#include "pv.h"

/* Does what is due; `next` becomes the time when something is due again, if that is earlier. */
void pv_supervise_tick(struct pv *pv, int64_t now, int64_t *next);
/* A child of PID 1 ended. */
void pv_supervise_reaped(struct pv *pv, pid_t pid, int wait_status, int64_t now);
/* On request, of a container whose end takes nothing along. False where its status does not allow it. */
bool pv_supervise_start(struct pv *pv, struct pv_task *task, int64_t now);
bool pv_supervise_stop(struct pv *pv, struct pv_task *task, int64_t now);
bool pv_supervise_restart(struct pv *pv, struct pv_task *task, int64_t now);
/* A container reports that it is ready. False where it does not run. */
bool pv_supervise_ready(struct pv *pv, struct pv_task *task);

#endif
