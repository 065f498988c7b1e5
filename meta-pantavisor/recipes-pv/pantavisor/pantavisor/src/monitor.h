/* SPDX-License-Identifier: MIT */
#ifndef PV_MONITOR_H
#define PV_MONITOR_H

#include "container.h"

#define PV_LXC_DIR "/run/lxc"

/* The child of PID 1 that holds one container: from the fork until the container ends. Returns its exit
 * status. */
int pv_monitor_run(const struct pv_task *task);

#endif
