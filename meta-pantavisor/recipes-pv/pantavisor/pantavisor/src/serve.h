/* SPDX-License-Identifier: MIT */
/*
 * What a process of its own answers, once PID 1 allowed it: all that is about the storage. It may take
 * long, and what it reads may be hostile: neither PID 1 nor other callers notice.
 */
#ifndef PV_SERVE_H
#define PV_SERVE_H

#include "bootenv.h"
#include "exchange.h"
#include "route.h"
#include "verify.h"

/* Of the device, as PID 1 started the server. */
struct pv_service {
	struct pv_storage storage; /* its root is -1 where there is none */
	enum pv_bootenv_kind loader;
	bool keep_factory;	 /* whatever else needs it or not */
	struct pv_verify verify; /* how a new revision is judged; its storage and revision are not used */
};

struct pv_deal {
	struct pv_exchange exchange;
	const struct pv_service *service;
	const char *name; /* what follows the route's path */
	/* As PID 1 named it: the revision that runs; for a collection others as well, in lines; for logs
	 * their directory. */
	const char *running;
	int lock; /* of the trails, for a collection: it goes with the answer */
};

void pv_serve(struct pv_deal *deal, enum pv_handler handler);

#endif
