/* SPDX-License-Identifier: MIT */
/* The health checks of the containers that run: when one is due, and what follows from it. */
#ifndef PV_CHECKUP_H
#define PV_CHECKUP_H

#include "pv.h"

/* Does what is due for one container; `next` as in supervise.h. */
void pv_checkup_tick(struct pv *pv, struct pv_task *task, int64_t now, int64_t *next);
/* False if the child was not a check of this container. */
bool pv_checkup_reaped(struct pv *pv, struct pv_task *task, pid_t pid, int exit_status, int64_t now);

#endif
