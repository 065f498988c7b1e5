/* SPDX-License-Identifier: MIT */
/* What is asked of a device with one container, by itself, by another container and by the host. */
#ifndef PV_TEST_ASK_H
#define PV_TEST_ASK_H

#include "life.h"
#include "order.h"

static struct pv_ctrl_reply reply;

static const struct pv_peer host = {.kind = PV_PEER_HOST, .is_root = true};
static const struct pv_peer own = {.kind = PV_PEER_CONTAINER, .is_root = true, .container = "web"};
static const struct pv_peer user = {.kind = PV_PEER_CONTAINER, .is_root = false, .container = "web"};
static const struct pv_peer other = {.kind = PV_PEER_CONTAINER, .is_root = true, .container = "db"};
static const struct pv_peer stranger = {.kind = PV_PEER_STRANGER, .is_root = true};

static inline int order(struct pv *pv, const struct pv_peer *peer, enum pv_ctrl_op op, const char *name)
{
	struct pv_ctrl_ask ask = {.op = op, .peer = *peer};

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	pv_order_obey(pv, &ask, &reply, 5 * SECOND);
	reply.body[reply.length] = '\0';
	return reply.status;
}

/* One that runs, with these roles. */
static inline struct pv running(bool has_roles, bool lists_mgmt, bool is_confined)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	web.has_roles = has_roles;
	web.lists_mgmt = lists_mgmt;
	web.is_confined = is_confined;
	web.goal = PV_GOAL_STARTED;
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(task.status == PV_STATUS_STARTED);
	return pv;
}

#endif
