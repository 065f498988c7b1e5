/* SPDX-License-Identifier: MIT */
#include "revision.h"

#include <string.h>

static const enum pv_action decisions[PV_STANDING_COUNT][PV_OCCASION_COUNT] =
	{
		/* clang-format off */
	/*                          UNUSABLE            LOST                LATE                RUNNING           STABLE */
	[PV_STANDING_FACTORY]   = {PV_ACTION_HALT,     PV_ACTION_GO_ON,    PV_ACTION_GO_ON,    PV_ACTION_GO_ON, PV_ACTION_GO_ON},
	[PV_STANDING_COMMITTED] = {PV_ACTION_REBOOT,   PV_ACTION_REBOOT,   PV_ACTION_GO_ON,    PV_ACTION_GO_ON, PV_ACTION_GO_ON},
	[PV_STANDING_TRIED]     = {PV_ACTION_ROLLBACK, PV_ACTION_ROLLBACK, PV_ACTION_ROLLBACK, PV_ACTION_TEST,  PV_ACTION_COMMIT},
	[PV_STANDING_LAST_GOOD] = {PV_ACTION_REBOOT,   PV_ACTION_REBOOT,   PV_ACTION_GO_ON,    PV_ACTION_TEST,  PV_ACTION_COMMIT},
	[PV_STANDING_LIVE]      = {PV_ACTION_RETURN,   PV_ACTION_RETURN,   PV_ACTION_RETURN,   PV_ACTION_TEST,  PV_ACTION_NOTE},
	[PV_STANDING_UPDATED]   = {PV_ACTION_ROLLBACK, PV_ACTION_ROLLBACK, PV_ACTION_GO_ON,    PV_ACTION_GO_ON, PV_ACTION_GO_ON},
		/* clang-format on */
};

enum pv_standing pv_revision_standing(const char *revision, const char *committed, const char *tried)
{
	/* What is committed has nothing behind it that a try could return to. */
	if (*tried && !strcmp(revision, tried) && strcmp(revision, committed))
		return PV_STANDING_TRIED;
	if (*committed && strcmp(revision, committed))
		return PV_STANDING_LAST_GOOD;
	return strcmp(revision, "0") ? PV_STANDING_COMMITTED : PV_STANDING_FACTORY;
}

enum pv_action pv_revision_decide(enum pv_standing standing, enum pv_occasion occasion)
{
	return decisions[standing][occasion];
}

bool pv_revision_is_tried(enum pv_standing standing)
{
	return standing == PV_STANDING_TRIED || standing == PV_STANDING_LIVE;
}
