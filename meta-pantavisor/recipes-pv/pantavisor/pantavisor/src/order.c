/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "ending.h"
#include "jsontext.h"
#include "launch.h"
#include "log.h"
#include "report.h"
#include "switch.h"
#include "task.h"
#include "text.h"

#define OK 200
#define BAD_REQUEST 400
#define FORBIDDEN 403
#define NOT_FOUND 404
#define CONFLICT 409
#define FAILED 500
#define BUSY 503
#define BUSY_RETRY_S 120
#define UPDATE_RETRY_S 600

struct order {
	struct pv *pv;
	const struct pv_ctrl_ask *ask;
	struct pv_ctrl_reply *reply;
	int64_t now;
};

static void refuse(struct order *o, int status, const char *why)
{
	cleanup_free char *text = pv_jsontext_member("Error", why);

	o->reply->status = status;
	snprintf(o->reply->body, sizeof(o->reply->body), "%s", text);
	o->reply->length = (uint32_t)strlen(o->reply->body);
}

static struct pv_task *find_task(const struct pv *pv, const char *name)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (!strcmp(pv->run->tasks[i]->spec->name, name))
			return pv->run->tasks[i];
	return NULL;
}

/* The caller's own container, which must be one that runs. */
static struct pv_task *caller_of(const struct order *o)
{
	struct pv_task *task =
		o->ask->peer.kind == PV_PEER_CONTAINER ? find_task(o->pv, o->ask->peer.container) : NULL;

	return task && task->monitor ? task : NULL;
}

/* Who manages the device: its own processes, and root in containers of the role mgmt. */
static bool manages(const struct order *o)
{
	const struct pv_task *caller = caller_of(o);

	if (!o->ask->peer.is_root)
		return false;
	return o->ask->peer.kind == PV_PEER_HOST || (caller && pv_container_is_mgmt(caller->spec));
}

/* A document that does not fit is not sent. */
static void report(struct order *o, void (*put)(FILE *to, const struct pv *pv, int64_t now))
{
	FILE *to = fmemopen(o->reply->body, sizeof(o->reply->body), "w");
	long length = -1;

	if (to) {
		put(to, o->pv, o->now);
		length = fflush(to) == 0 ? ftell(to) : -1;
		fclose(to);
	}
	if (length < 0 || (size_t)length >= sizeof(o->reply->body) - 1) {
		refuse(o, FAILED, "the answer is too long");
		return;
	}
	o->reply->length = (uint32_t)length;
}

static void report_containers(struct order *o)
{
	report(o, pv_report_containers);
}

static void report_groups(struct order *o)
{
	report(o, pv_report_groups);
}

/* The check makes it READY; what it reports before changes nothing. */
static bool awaits_check(const struct pv_task *task)
{
	return task->spec->health.test && task->health.standing == PV_HEALTH_STARTING;
}

static void take_ready(struct order *o)
{
	struct pv_task *caller = caller_of(o);

	if (!caller)
		refuse(o, FORBIDDEN, "Request not sent from a container");
	else if (caller->spec->goal != PV_GOAL_READY)
		refuse(o, FAILED, "the status goal of this container is not READY");
	else if (caller->health.standing == PV_HEALTH_ILL)
		refuse(o, FAILED, "this container is unhealthy: its health check has to pass first");
	else if (awaits_check(caller))
		pv_debug("health", "container %s reports itself ready before its health check passed",
			caller->spec->name);
	else if (!pv_task_ready(o->pv, caller))
		refuse(o, FAILED, "this container is not started");
}

/* What root printed there is not for its other users. The directory is that of the revision from which the
 * container was started. */
static void show_logs(struct order *o)
{
	const struct pv_task *caller = caller_of(o);

	if (!caller || !o->ask->peer.is_root) {
		refuse(o, FORBIDDEN, "Request not sent by root of a container");
		return;
	}
	o->reply->length = (uint32_t)snprintf(
		o->reply->body, sizeof(o->reply->body), "%s/%s", caller->home, caller->spec->name);
}

static const char *who(const struct pv_ctrl_ask *ask)
{
	return ask->peer.kind == PV_PEER_CONTAINER ? ask->peer.container : "the device";
}

static void end(struct order *o, enum pv_end kind, const char *what)
{
	cleanup_free char *why = pv_fmt(
		"%s asks to %s%s%s", who(o->ask), what, *o->ask->payload ? ": " : "", o->ask->payload);

	pv_ending_ask(o->pv, kind, why, o->now);
}

static void reboot_device(struct order *o)
{
	end(o, PV_END_REBOOT, "reboot");
}

static void power_off_device(struct order *o)
{
	end(o, PV_END_POWEROFF, "power off");
}

/* What the server does then may be about the revision that runs. */
static void go_on(struct order *o)
{
	snprintf(o->reply->body, sizeof(o->reply->body), "%s", o->pv->run->revision);
	o->reply->length = (uint32_t)strlen(o->reply->body);
}

/* What is about to be tried is not named by the boot environment yet. */
static void collect(struct order *o)
{
	if (!*o->pv->candidate.revision && o->pv->change.phase == PV_PHASE_NONE) {
		report(o, pv_report_needed);
		return;
	}
	refuse(o, BUSY, "a revision is being tried");
	o->reply->retry_s = UPDATE_RETRY_S;
}

static void run_revision(struct order *o)
{
	struct pv_err err;

	if (pv_launch(o->pv, o->ask->name, o->ask->op == PV_CTRL_RUN_COMMIT, &err) < 0)
		refuse(o, CONFLICT, err.text);
}

static void make_factory(struct order *o)
{
	struct pv_err err;

	if (pv_launch_factory(o->pv, *o->ask->name ? o->ask->name : o->pv->run->revision, &err) < 0)
		refuse(o, CONFLICT, err.text);
}

/* The end of a container of the policy system would be that of the revision. */
static void control(struct order *o, bool (*action)(struct pv *pv, struct pv_task *task, int64_t now))
{
	struct pv_task *task = find_task(o->pv, o->ask->name);

	if (!task) {
		refuse(o, NOT_FOUND, "there is no such container");
	} else if (pv_switch_is_moving(o->pv)) {
		/* One that is started now would be in the way of the revision that comes. */
		refuse(o, BUSY, "a revision is being tried");
		o->reply->retry_s = UPDATE_RETRY_S;
	} else if (task->spec->restart == PV_RESTART_SYSTEM) {
		refuse(o, FORBIDDEN, "the restart policy of that container is system");
	} else if (!action(o->pv, task, o->now)) {
		refuse(o, BAD_REQUEST, "the status of that container does not allow it");
	} else {
		pv_info("container", "%s asks that %s is started or stopped", who(o->ask),
			task->spec->name);
	}
}

static void start_container(struct order *o)
{
	control(o, pv_task_start);
}

static void stop_container(struct order *o)
{
	control(o, pv_task_stop);
}

static void restart_container(struct order *o)
{
	control(o, pv_task_restart);
}

static const struct {
	void (*obey)(struct order *o);
	bool for_all; /* of any user in any container */
	bool while_ending;
	bool waits; /* for the end of an update */
} orders[PV_CTRL_OP_COUNT] = {
	[PV_CTRL_MAY] = {go_on, false, true},
	[PV_CTRL_CONTAINERS] = {report_containers, false, true},
	[PV_CTRL_GROUPS] = {report_groups, false, true},
	[PV_CTRL_READY] = {take_ready, true, false},
	[PV_CTRL_LOGS] = {show_logs, true, true},
	[PV_CTRL_START] = {start_container, false, false},
	[PV_CTRL_STOP] = {stop_container, false, false},
	[PV_CTRL_RESTART] = {restart_container, false, false},
	[PV_CTRL_REBOOT] = {reboot_device, false, false, true},
	[PV_CTRL_POWEROFF] = {power_off_device, false, false, true},
	[PV_CTRL_RUN] = {run_revision, false, false, true},
	[PV_CTRL_RUN_COMMIT] = {run_revision, false, false, true},
	[PV_CTRL_MAKE_FACTORY] = {make_factory, false, false, true},
	[PV_CTRL_COLLECT] = {collect, false, false},
};

/* What the server sent is bounded again: it read hostile input. */
static bool is_sane(const struct pv_ctrl_ask *ask)
{
	return (unsigned)ask->op < PV_CTRL_OP_COUNT && (unsigned)ask->peer.kind <= PV_PEER_CONTAINER &&
	       memchr(ask->name, '\0', sizeof(ask->name)) &&
	       memchr(ask->payload, '\0', sizeof(ask->payload)) &&
	       memchr(ask->peer.container, '\0', sizeof(ask->peer.container));
}

void pv_order_obey(struct pv *pv, const struct pv_ctrl_ask *ask, struct pv_ctrl_reply *reply, int64_t now)
{
	struct order o = {pv, ask, reply, now};

	reply->status = OK;
	reply->retry_s = 0;
	reply->length = 0;
	if (!is_sane(ask)) {
		refuse(&o, FAILED, "the request is not valid");
	} else if (!orders[ask->op].for_all && !manages(&o)) {
		/* The sentence depends on the path, which PID 1 does not know. */
		reply->status = FORBIDDEN;
	} else if ((pv->end || pv->asked.end) && !orders[ask->op].while_ending) {
		refuse(&o, BUSY, "the device is about to end");
		reply->retry_s = BUSY_RETRY_S;
	} else if (orders[ask->op].waits && pv_launch_is_busy(pv)) {
		refuse(&o, BUSY, "a revision is being tried");
		reply->retry_s = UPDATE_RETRY_S;
	} else {
		orders[ask->op].obey(&o);
	}
}
