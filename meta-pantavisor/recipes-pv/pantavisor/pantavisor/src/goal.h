/* SPDX-License-Identifier: MIT */
/* The life of a container as a table, status x event, and what a status means for its goal. Touches
 * nothing.
 */
#ifndef PV_GOAL_H
#define PV_GOAL_H

#include <stdbool.h>
#include <stdint.h>

enum pv_status {
	PV_STATUS_INSTALLED,
	PV_STATUS_MOUNTED,
	PV_STATUS_STARTING,
	PV_STATUS_STARTED,
	PV_STATUS_READY,
	PV_STATUS_RECOVERING,
	PV_STATUS_STOPPING,
	PV_STATUS_STOPPED,
	PV_STATUS_COUNT
};

enum pv_event {
	PV_EVENT_MOUNTED, /* its volumes are there */
	PV_EVENT_SPAWNED, /* its monitor runs */
	PV_EVENT_RUNNING, /* its init was seen */
	PV_EVENT_READY,	  /* it signalled that it is ready */
	PV_EVENT_ILL,	  /* its health check failed */
	PV_EVENT_ENDED,	  /* its monitor ended, or could not begin */
	PV_EVENT_RETRY,	  /* it shall be started again later */
	PV_EVENT_STOP,	  /* it was asked to end */
	PV_EVENT_COUNT
};

enum pv_goal { PV_GOAL_MOUNTED, PV_GOAL_STARTED, PV_GOAL_READY, PV_GOAL_COUNT };
enum pv_achievement { PV_UNACHIEVED, PV_ACHIEVED, PV_TIMEDOUT };

/* False, and the status stays, where the table has no way from here. */
bool pv_status_next(enum pv_status *status, enum pv_event event);
const char *pv_status_name(enum pv_status status);
const char *pv_goal_name(enum pv_goal goal);
bool pv_goal_parse(const char *name, enum pv_goal *goal);
/* A container that recovers or stopped achieves nothing: a crash loop is not a success. */
bool pv_goal_reached(enum pv_goal goal, enum pv_status status);
/* Of a group: all reached, or not yet, or not in time. */
enum pv_achievement pv_goal_group(int wanted, int reached, int64_t elapsed_ms, int64_t timeout_ms);
/* "web is RECOVERING after status 1, its goal is STARTED"; the caller frees it. */
char *pv_goal_missed(const char *container, enum pv_goal goal, enum pv_status status, int exit_status);

#endif
