/* SPDX-License-Identifier: MIT */
#include "revision.h"

#include "check.h"

int main(void)
{
	CHECK(pv_revision_standing("0", "", "", "") == PV_STANDING_FACTORY);
	CHECK(pv_revision_standing("0", "0", "", "locals/x") == PV_STANDING_FACTORY);
	/* Unless there is one to return to. */
	CHECK(pv_revision_standing("0", "0", "locals/x", "") == PV_STANDING_COMMITTED);
	CHECK(pv_revision_standing("locals/x", "0", "", "locals/x") == PV_STANDING_TRIED);
	CHECK(pv_revision_standing("locals/x", "locals/x", "", "locals/x") == PV_STANDING_COMMITTED);
	CHECK(pv_revision_standing("locals/x", "locals/x", "", "locals/y") == PV_STANDING_COMMITTED);
	CHECK(pv_revision_standing("locals/x", "", "", "") == PV_STANDING_COMMITTED);
	CHECK(pv_revision_standing("3", "4", "", "") == PV_STANDING_LAST_GOOD);
	CHECK(pv_revision_standing("0", "4", "", "5") == PV_STANDING_LAST_GOOD);
	/* The factory revision never loops. */
	for (int i = 0; i < PV_OCCASION_COUNT; i++) {
		enum pv_action action = pv_revision_decide(PV_STANDING_FACTORY, (enum pv_occasion)i);

		CHECK(action == PV_ACTION_HALT || action == PV_ACTION_GO_ON);
	}
	/* Only a tried one is rolled back; it and the last good one can be committed. */
	CHECK(pv_revision_decide(PV_STANDING_LAST_GOOD, PV_OCCASION_STABLE) == PV_ACTION_COMMIT);
	CHECK(pv_revision_decide(PV_STANDING_LAST_GOOD, PV_OCCASION_UNUSABLE) == PV_ACTION_REBOOT);
	CHECK(pv_revision_decide(PV_STANDING_TRIED, PV_OCCASION_STABLE) == PV_ACTION_COMMIT);
	CHECK(pv_revision_decide(PV_STANDING_TRIED, PV_OCCASION_LATE) == PV_ACTION_ROLLBACK);
	CHECK(pv_revision_decide(PV_STANDING_TRIED, PV_OCCASION_UNUSABLE) == PV_ACTION_ROLLBACK);
	CHECK(pv_revision_decide(PV_STANDING_COMMITTED, PV_OCCASION_UNUSABLE) == PV_ACTION_REBOOT);
	CHECK(pv_revision_decide(PV_STANDING_COMMITTED, PV_OCCASION_STABLE) == PV_ACTION_GO_ON);
	return check_done();
}
