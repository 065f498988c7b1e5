/* SPDX-License-Identifier: MIT */
/*
 * What a container leaves in the cgroup file system when its monitor is killed: processes that run on, and
 * groups that keep LXC from starting it again. Nothing here waits: what does not go now goes at the next
 * call.
 */
#ifndef PV_LEFTOVER_H
#define PV_LEFTOVER_H

#include <stdbool.h>

#include "err.h"

/* Ends the processes of the container's groups below `root`. */
void pv_leftover_kill(const char *root, const char *container);
/* Without the monitor's. */
void pv_leftover_kill_payload(const char *root, const char *container);
/* A descriptor that reports the end of the container's last process by POLLPRI; -1 if it has no group. */
int pv_leftover_open_events(const char *root, const char *container);
bool pv_leftover_is_populated(int events);
/* Removes the groups; an error while something still runs in them. */
int pv_leftover_remove(const char *root, const char *container, struct pv_err *err);

#endif
