/* SPDX-License-Identifier: MIT */
/* Processes that are not PID 1's own children: known by a descriptor, since a number may be another's by
 * the time it is used. */
#ifndef PV_PROCESS_H
#define PV_PROCESS_H

#include <sys/types.h>

/* A child of `parent` that runs another program than ours: its descriptor, or -1 if there is none yet. */
int pv_process_find(pid_t parent, pid_t *pid);
/* Does nothing where it ended. */
void pv_process_signal(int process, int number);

#endif
