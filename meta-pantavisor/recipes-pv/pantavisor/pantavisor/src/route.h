/* SPDX-License-Identifier: MIT */
/*
 * The paths of the control socket as one table, and what a request asks of PID 1. Paths, bodies and answers
 * are those of the published runtime (docs/control.md). Touches nothing.
 */
#ifndef PV_ROUTE_H
#define PV_ROUTE_H

#include "ctrlwire.h"
#include "http.h"

/* What is kept in memory of a body. */
#define PV_ROUTE_BODY_BYTES 4096

/* What a process of the server does, once PID 1 allowed it. */
enum pv_handler {
	PV_HANDLER_PASS_ON, /* PID 1's reply is the answer */
	PV_HANDLER_BUILDINFO,
	PV_HANDLER_STORAGE,
	PV_HANDLER_LOGS,
	PV_HANDLER_COLLECT,
	PV_HANDLER_OBJECTS,
	PV_HANDLER_OBJECT_GET,
	PV_HANDLER_OBJECT_HEAD,
	PV_HANDLER_OBJECT_PUT,
	PV_HANDLER_STEPS,
	PV_HANDLER_STEP_GET,
	PV_HANDLER_STEP_PUT,
};

struct pv_route {
	const char *path; /* what follows a slash at its end is a name */
	enum pv_http_method method;
	enum pv_ctrl_op op;
	enum pv_handler handler;
	uint64_t body; /* bytes at most */
	/* What PID 1 gets of the body; NULL: nothing. 0, or the status of the refusal. */
	int (*read)(struct pv_ctrl_ask *ask, const char *body, size_t length, struct pv_err *err);
};

/* 0, or the status of the refusal. `name` gets what follows the route's path; an error sentence in `err`.
 */
int pv_route_find(const struct pv_http_request *request, const struct pv_route **route,
	char name[PV_HTTP_PATH_BYTES], struct pv_err *err);
/* The ask of a request with its whole body; 0, or the status of the refusal. */
int pv_route_ask(const struct pv_route *route, const char *name, const char *body, size_t length,
	struct pv_ctrl_ask *ask, struct pv_err *err);
/* The sentence with which others than containers of the role mgmt are refused at this path. */
const char *pv_route_forbidden(const struct pv_route *route);

#endif
