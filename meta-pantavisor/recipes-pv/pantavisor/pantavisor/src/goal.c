/* SPDX-License-Identifier: MIT */
#include "goal.h"

#include <string.h>

#include "alloc.h"
#include "text.h"

#define NONE PV_STATUS_COUNT

static const char *const status_names[PV_STATUS_COUNT] = {
	"INSTALLED", "MOUNTED", "STARTING", "STARTED", "READY", "RECOVERING", "STOPPING", "STOPPED"};
static const char *const goal_names[PV_GOAL_COUNT] = {"MOUNTED", "STARTED", "READY"};

#define I PV_STATUS_INSTALLED
#define M PV_STATUS_MOUNTED
#define G PV_STATUS_STARTING
#define S PV_STATUS_STARTED
#define R PV_STATUS_READY
#define C PV_STATUS_RECOVERING
#define P PV_STATUS_STOPPING
#define D PV_STATUS_STOPPED
#define _ NONE

static const enum pv_status ways[PV_STATUS_COUNT][PV_EVENT_COUNT] = {
	/* clang-format off */
	/*                        MOUNTED SPAWNED RUNNING READY ILL ENDED RETRY STOP */
	[PV_STATUS_INSTALLED]  = {M,      _,      _,      _,    _,  D,    C,    D},
	[PV_STATUS_MOUNTED]    = {_,      G,      _,      _,    _,  D,    C,    D},
	[PV_STATUS_STARTING]   = {_,      _,      S,      _,    _,  D,    C,    P},
	[PV_STATUS_STARTED]    = {_,      _,      _,      R,    _,  D,    C,    P},
	[PV_STATUS_READY]      = {_,      _,      _,      _,    S,  D,    C,    P},
	[PV_STATUS_RECOVERING] = {M,      G,      _,      _,    _,  D,    C,    D},
	[PV_STATUS_STOPPING]   = {_,      _,      _,      _,    _,  D,    _,    P},
	[PV_STATUS_STOPPED]    = {M,      _,      _,      _,    _,  D,    _,    D},
	/* clang-format on */
};

bool pv_status_next(enum pv_status *status, enum pv_event event)
{
	enum pv_status next = ways[*status][event];

	if (next == NONE)
		return false;
	*status = next;
	return true;
}

const char *pv_status_name(enum pv_status status)
{
	return status_names[status];
}

const char *pv_goal_name(enum pv_goal goal)
{
	return goal_names[goal];
}

bool pv_goal_parse(const char *name, enum pv_goal *goal)
{
	for (int i = 0; i < PV_GOAL_COUNT; i++)
		if (!strcmp(name, goal_names[i])) {
			*goal = (enum pv_goal)i;
			return true;
		}
	return false;
}

bool pv_goal_reached(enum pv_goal goal, enum pv_status status)
{
	switch (goal) {
	case PV_GOAL_MOUNTED:
		return status >= PV_STATUS_MOUNTED && status <= PV_STATUS_READY;
	case PV_GOAL_STARTED:
		return status == PV_STATUS_STARTED || status == PV_STATUS_READY;
	case PV_GOAL_READY:
	case PV_GOAL_COUNT:
	default:
		return status == PV_STATUS_READY;
	}
}

char *pv_goal_missed(const char *container, enum pv_goal goal, enum pv_status status, int exit_status)
{
	cleanup_free char *after = exit_status ? pv_fmt(" after status %d", exit_status) : NULL;

	return pv_fmt("%s is %s%s, its goal is %s", container, status_names[status], after ? after : "",
		goal_names[goal]);
}

enum pv_achievement pv_goal_group(int wanted, int reached, int64_t elapsed_ms, int64_t timeout_ms)
{
	if (reached >= wanted)
		return PV_ACHIEVED;
	return elapsed_ms >= timeout_ms ? PV_TIMEDOUT : PV_UNACHIEVED;
}
