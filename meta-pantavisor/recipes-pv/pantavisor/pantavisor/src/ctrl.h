/* SPDX-License-Identifier: MIT */
/*
 * The control socket as PID 1 has it: the socket itself, the process that serves it, and the wire between
 * them. A caller's bytes are never read here.
 */
#ifndef PV_CTRL_H
#define PV_CTRL_H

#include "pv.h"

struct pv_ctrl {
	struct pv *pv;
	struct pv_source wire; /* .fd is -1 where no server runs */
	struct pv_timer again;
	int listener;
	pid_t server; /* 0: none */
	int64_t started_at;
	int pause_ms;
};

/* The socket is made once, so that mounts of it stay good, and served. A device without one runs on. */
void pv_ctrl_open(struct pv_ctrl *ctrl, struct pv *pv);
/* False if the child was not the server. */
bool pv_ctrl_reaped(struct pv_ctrl *ctrl, pid_t pid, int wait_status);

#endif
