/* SPDX-License-Identifier: MIT */
#include "revision.h"

#include <string.h>

#define HALT PV_ACTION_HALT
#define GO_ON PV_ACTION_GO_ON
#define REBOOT PV_ACTION_REBOOT
#define ROLLBACK PV_ACTION_ROLLBACK
#define TEST PV_ACTION_TEST
#define COMMIT PV_ACTION_COMMIT
#define RETURN PV_ACTION_RETURN
#define NOTE PV_ACTION_NOTE

static const enum pv_action decisions[PV_STANDING_COUNT][PV_OCCASION_COUNT] = {
	/* clang-format off */
	/*                         UNUSABLE  LOST      LATE      RUNNING   STABLE */
	[PV_STANDING_FACTORY]   = {HALT,     GO_ON,    GO_ON,    GO_ON,    GO_ON},
	[PV_STANDING_COMMITTED] = {REBOOT,   REBOOT,   GO_ON,    GO_ON,    GO_ON},
	[PV_STANDING_TRIED]     = {ROLLBACK, ROLLBACK, ROLLBACK, TEST,     COMMIT},
	[PV_STANDING_LAST_GOOD] = {REBOOT,   REBOOT,   GO_ON,    TEST,     COMMIT},
	[PV_STANDING_LIVE]      = {RETURN,   RETURN,   RETURN,   TEST,     NOTE},
	[PV_STANDING_UPDATED]   = {ROLLBACK, ROLLBACK, GO_ON,    GO_ON,    GO_ON},
	/* clang-format on */
};

enum pv_standing pv_revision_standing(
	const char *revision, const char *committed, const char *previous, const char *tried)
{
	/* What is committed has none before it that a try could return to. */
	if (*tried && !strcmp(revision, tried) && strcmp(revision, committed))
		return PV_STANDING_TRIED;
	if (*committed && strcmp(revision, committed))
		return PV_STANDING_LAST_GOOD;
	/* A factory reset leaves one before revision 0 as any update does. */
	return strcmp(revision, "0") || *previous ? PV_STANDING_COMMITTED : PV_STANDING_FACTORY;
}

enum pv_action pv_revision_decide(enum pv_standing standing, enum pv_occasion occasion)
{
	return decisions[standing][occasion];
}

bool pv_revision_is_tried(enum pv_standing standing)
{
	return standing == PV_STANDING_TRIED || standing == PV_STANDING_LIVE;
}
