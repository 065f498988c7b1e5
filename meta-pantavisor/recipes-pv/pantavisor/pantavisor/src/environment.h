/* SPDX-License-Identifier: MIT */
/*
 * The kernel hands unknown words `NAME=value` of its command line to PID 1 as its environment, and the
 * dynamic loader obeys some of them: LD_LIBRARY_PATH=/storage/... would make every library that is loaded
 * later, and LD_PRELOAD every program that is started, an attacker's. So PID 1 starts itself again without.
 */
#ifndef PV_ENVIRONMENT_H
#define PV_ENVIRONMENT_H

#include <stdbool.h>

/* Nothing but what the kernel gives without being asked. */
bool pv_environment_is_clean(char *const *environment);
/* Comes back with a clean one; what could not be started again has at least none to hand on. */
void pv_environment_clean(void);

#endif
