/* SPDX-License-Identifier: MIT */
/*
 * What passes between PID 1 and the process that serves the control socket. That process reads what callers
 * send; PID 1 gets an ask of one size, without any text to be parsed, decides who may and does it.
 */
#ifndef PV_CTRLWIRE_H
#define PV_CTRLWIRE_H

#include <stdint.h>

#include "names.h"
#include "peer.h"

#define PV_CTRL_PAYLOAD_BYTES 256
#define PV_CTRL_REPLY_BYTES (96 * 1024)

enum pv_ctrl_op {
	PV_CTRL_MAY, /* the server does it, if the caller may */
	PV_CTRL_CONTAINERS,
	PV_CTRL_GROUPS,
	PV_CTRL_READY,
	PV_CTRL_LOGS, /* of the caller's own container; the reply names their directory */
	PV_CTRL_START,
	PV_CTRL_STOP,
	PV_CTRL_RESTART,
	PV_CTRL_REBOOT,
	PV_CTRL_POWEROFF,
	PV_CTRL_RUN,	    /* the revision in `name` */
	PV_CTRL_RUN_COMMIT, /* the same, by a reboot in any case */
	PV_CTRL_COLLECT,
	PV_CTRL_MAKE_FACTORY, /* of the revision in `name`; "": of the one that runs */
	PV_CTRL_OP_COUNT
};

struct pv_ctrl_ask {
	uint64_t id; /* the reply has it again */
	enum pv_ctrl_op op;
	struct pv_peer peer;
	char name[PV_REVISION_BYTES + 1];    /* of a container or a revision */
	char payload[PV_CTRL_PAYLOAD_BYTES]; /* for the log */
};

struct pv_ctrl_reply {
	uint64_t id;
	int status;  /* of HTTP; 403 without a body: the caller does not manage the device */
	int retry_s; /* with 503 */
	uint32_t length;
	char body[PV_CTRL_REPLY_BYTES]; /* only `length` bytes are sent */
};

#endif
