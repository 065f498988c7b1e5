/* SPDX-License-Identifier: MIT */
#ifndef PV_MONITOR_H
#define PV_MONITOR_H

#include "container.h"

#define PV_LXC_DIR "/run/lxc"

struct lxc_container;

/* A child of PID 1 that goes on by itself: no signals blocked, no files of ours, its own session. */
void pv_monitor_leave_pid1(const char *name);
/* The container by its conf; NULL where LXC refuses it. */
struct lxc_container *pv_monitor_open(const struct pv_task *task);
/* The child of PID 1 that holds one container: from the fork until the container ends. Returns its exit
 * status. */
int pv_monitor_run(const struct pv_task *task);

#endif
