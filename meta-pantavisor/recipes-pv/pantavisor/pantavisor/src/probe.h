/* SPDX-License-Identifier: MIT */
/* The test of a health check: a program that runs inside of a container for a moment, with no more rights
 * than its first program has.
 */
#ifndef PV_PROBE_H
#define PV_PROBE_H

#include "container.h"

#define PV_PROBE_TIMED_OUT 124
#define PV_PROBE_NOT_RUN 125

/* Starts it in a child of PID 1, whose exit status is its own. Returns the child. */
pid_t pv_probe_spawn(const struct pv_task *task, struct pv_err *err);
/* Ends the child, and what it runs. */
void pv_probe_kill(pid_t probe);

#endif
