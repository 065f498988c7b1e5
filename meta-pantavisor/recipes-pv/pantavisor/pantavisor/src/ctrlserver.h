/* SPDX-License-Identifier: MIT */
/*
 * The process that serves the control socket. PID 1 starts it, and again when it ends; it reads what
 * callers send, and asks PID 1 by ctrlwire.h. Connections are bounded for each container, so that none
 * keeps others out.
 */
#ifndef PV_CTRLSERVER_H
#define PV_CTRLSERVER_H

#include "serve.h"

/* At once, for each container and for what is in none. */
#define PV_CTRLSERVER_EACH 8

/* Processes that do what takes its time, for all together. But who has none may always have one: slow
 * callers of some containers do not keep the others out. */
#define PV_CTRLSERVER_WORKERS 16

/* All descriptors are its own. Ends with PID 1's end of the wire, or SIGTERM. */
_Noreturn void pv_ctrlserver_run(int listener, int wire, const struct pv_service *service);

#endif
