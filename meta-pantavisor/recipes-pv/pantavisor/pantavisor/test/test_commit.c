/* SPDX-License-Identifier: MIT */
/* Stories of revisions that are tried: when they are committed, and when they are left. */
#include "commit.h"

#include "life.h"

static void test_tried_revision_is_committed_once_it_was_stable(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);

	tick(&pv, 1);
	CHECK(tick(&pv, 2) == 2 + 25 * SECOND && pv.run->running);
	CHECK(pv.env.tried[0]);
	tick(&pv, 2 + 25 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_COMMITTED && !pv.run->stable_at && !pv.end);
	check_stored(&pv, "7", "", "3");
}

/* With the commit; and with a good boot, where the power went between its commit and that. */
static void test_release_rises_with_the_commit(void)
{
	for (int is_committed = 0; is_committed < 2; is_committed++) {
		struct pv pv = is_committed ? stored("7", "", PV_STANDING_COMMITTED)
					    : stored("3", "7", PV_STANDING_TRIED);

		pv.run->release = 5;
		tick(&pv, 1);
		tick(&pv, 2);
		CHECK(!tree_has("config/release"));
		tick(&pv, 2 + 25 * SECOND);
		tree_check_text("config/release", "5\n");
		check_stored(&pv, "7", "", is_committed ? "" : "3");
	}
}

/* As of a storage that is full: nothing older is taken meanwhile (test_release.c), and the next chance is
 * soon. */
static void test_release_that_cannot_be_recorded_is_tried_again(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	int64_t now = 2 + 25 * SECOND;

	pv.run->release = 5;
	tree_folder("config/release");
	tick(&pv, 1);
	tick(&pv, 2);
	for (int i = 0; i < 3; i++) {
		tick(&pv, now);
		CHECK(pv.run->standing == PV_STANDING_COMMITTED && pv.run->release_at == now + 60 * SECOND);
		now = tick(&pv, now + SECOND);
		CHECK(now == pv.run->release_at);
	}
	CHECK(unlinkat(pv.storage, "config/release", AT_REMOVEDIR) == 0);
	tick(&pv, now);
	tree_check_text("config/release", "5\n");
	CHECK(tick(&pv, now + SECOND) == INT64_MAX && !pv.run->release_at);
	check_stored(&pv, "7", "", "3");
}

static void test_commit_waits_for_the_stable_time_of_containers(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);

	web.recovery.stable_timeout_s = 200;
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(tick(&pv, 2 + 25 * SECOND) == 1 + 200 * SECOND);
	tick(&pv, 200 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_TRIED && !pv.end);
	tick(&pv, 1 + 200 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_COMMITTED && !pv.end);
	check_stored(&pv, "7", "", "3");
	/* And not for ever, for one that always fails shortly before. */
	pv = stored("3", "7", PV_STANDING_TRIED);
	tick(&pv, 1);
	tick(&pv, 2);
	for (int64_t now = 2; now < 1000 * SECOND && !pv.end; now += 2 * SECOND) {
		if (now % (180 * SECOND) < 2 * SECOND && task.monitor)
			pv_supervise_reaped(&pv, MONITOR, 1 << 8, now);
		tick(&pv, now);
		if (task.started_at == 1)
			task.started_at = now;
	}
	CHECK(pv.end == PV_END_REBOOT && pv.run->standing == PV_STANDING_TRIED);
	check_stored(&pv, "3", "7", "");
	web.recovery.stable_timeout_s = 0;
}

/* However well each of its runs ends: none of them is as long as it has to be. */
static void test_container_that_ends_again_and_again_is_not_stable(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);

	web.recovery.stable_timeout_s = 20;
	web.recovery.retry_delay_s = 8;
	tick(&pv, 1);
	tick(&pv, 2);
	for (int64_t now = SECOND; now < 1000 * SECOND && !pv.end; now += SECOND) {
		if (now % (18 * SECOND) == 0 && task.monitor)
			pv_supervise_reaped(&pv, MONITOR, 0, now);
		world.spawned_at = now;
		tick(&pv, now);
		CHECK(pv.run->standing == PV_STANDING_TRIED);
	}
	CHECK(pv.end == PV_END_REBOOT);
	check_stored(&pv, "3", "7", "");
	web.recovery.stable_timeout_s = web.recovery.retry_delay_s = 0;
}

/* It is committed once that is noted, and else left: the next boot would leave it as well. */
static void test_commit_that_cannot_be_noted_is_none(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	int64_t now = 2;

	tick(&pv, 1);
	tick(&pv, now);
	break_bootenv(&pv);
	tick(&pv, now += 25 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_TRIED && !pv.end && pv.run->stable_at == now + 25 * SECOND);
	repair_bootenv(&pv, "3", "7");
	tick(&pv, now += 25 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_COMMITTED && !pv.end);
	check_stored(&pv, "7", "", "3");
	pv = stored("3", "7", PV_STANDING_TRIED);
	tick(&pv, 1);
	tick(&pv, 2);
	break_bootenv(&pv);
	for (now = 2; now < 1000 * SECOND && !pv.end; now += 5 * SECOND)
		tick(&pv, now);
	CHECK(pv.end == PV_END_REBOOT && pv.run->standing == PV_STANDING_TRIED);
	repair_bootenv(&pv, "3", "7");
	check_stored(&pv, "3", "7", "");
}

static void test_tried_revision_that_keeps_failing_goes_back(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	int64_t stable;

	tick(&pv, 1);
	tick(&pv, 2);
	stable = pv.run->stable_at;
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, stable - 1);
	world.has_init = false;
	tick(&pv, stable);
	CHECK(!pv.end && pv.env.tried[0]);
	tick(&pv, stable + 120 * SECOND);
	CHECK(pv.end == PV_END_REBOOT);
	check_stored(&pv, "3", "7", "");
}

/* Up at the moment of the look is not enough. */
static void test_delay_begins_anew_with_each_failure(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	int64_t last = 2 + 24 * SECOND;

	tick(&pv, 1);
	tick(&pv, 2);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, last);
	tick(&pv, last);
	tick(&pv, last + SECOND);
	CHECK(task.status == PV_STATUS_STARTED);
	tick(&pv, last + 20 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_TRIED && pv.env.tried[0]);
	tick(&pv, last + 26 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_COMMITTED && !pv.end);
	check_stored(&pv, "7", "", "3");
}

static void test_late_try_counts_for_nothing(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);

	world.has_init = false;
	tick(&pv, 1);
	tick(&pv, 31 * SECOND);
	CHECK(pv.end == PV_END_REBOOT && pv.env.generation == 1);
	check_stored(&pv, "3", "7", "");
}

int main(void)
{
	pv_log_set_level(-1);
	test_tried_revision_is_committed_once_it_was_stable();
	test_release_rises_with_the_commit();
	test_release_that_cannot_be_recorded_is_tried_again();
	test_commit_waits_for_the_stable_time_of_containers();
	test_container_that_ends_again_and_again_is_not_stable();
	test_commit_that_cannot_be_noted_is_none();
	test_tried_revision_that_keeps_failing_goes_back();
	test_delay_begins_anew_with_each_failure();
	test_late_try_counts_for_nothing();
	return check_done();
}
