/* SPDX-License-Identifier: MIT */
/* The life of one container: how it starts and ends, what follows its end, and what is asked of it. */
#ifndef PV_TASK_H
#define PV_TASK_H

#include "pv.h"

/* Its mounts, and then its monitor. */
void pv_task_begin(struct pv *pv, struct pv_task *task, int64_t now);
/* Its mounts are made by a job, so a start may take several looks: one more. */
void pv_task_go_on(struct pv *pv, struct pv_task *task, int64_t now);
/* It is started once its init is seen. */
void pv_task_look_for_init(struct pv *pv, struct pv_task *task);
/* It restarted without us: another run, but for its mounts. */
void pv_task_began_again(struct pv_task *task, int64_t now);
/* Its monitor ended, or could not begin. */
void pv_task_ended(struct pv *pv, struct pv_task *task, int exit_status, int64_t now);
/* On request, of a container whose end takes nothing along. False where its status does not allow it. */
bool pv_task_start(struct pv *pv, struct pv_task *task, int64_t now);
bool pv_task_stop(struct pv *pv, struct pv_task *task, int64_t now);
bool pv_task_restart(struct pv *pv, struct pv_task *task, int64_t now);
/* For a revision that takes the place of its own: it ends, and its mounts go. */
void pv_task_leave(struct pv *pv, struct pv_task *task, int64_t now);
/* True once nothing of it is left; until then it is to be asked again. */
bool pv_task_is_gone(struct pv *pv, struct pv_task *task);
/* As it was before its first start. What a user stopped stays so. */
void pv_task_renew(struct pv_task *task);
/* Its health check failed: it is ended and recovers, unless its policy has it run on. */
void pv_task_ill(struct pv *pv, struct pv_task *task, int64_t now);
/* It reports that it is ready. False where it does not run. */
bool pv_task_ready(struct pv *pv, struct pv_task *task);

#endif
