/* SPDX-License-Identifier: MIT */
/* Stories of revisions: which of them the boot loader is given, and when its boots are counted anew. */
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

static void test_release_rises_with_the_commit(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);

	pv.run->release = 5;
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(!tree_has("config/release"));
	tick(&pv, 2 + 25 * SECOND);
	tree_check_text("config/release", "5\n");
}

/* The power went between its commit and that. */
static void test_release_rises_with_a_good_boot(void)
{
	struct pv pv = stored("7", "", PV_STANDING_COMMITTED);

	pv.run->release = 5;
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(!tree_has("config/release"));
	tick(&pv, 2 + 25 * SECOND);
	tree_check_text("config/release", "5\n");
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

static void break_environment(const struct pv *pv)
{
	CHECK(unlinkat(pv->storage, "boot/grubenv", 0) == 0);
	CHECK(unlinkat(pv->storage, "boot/grubenv2", 0) == 0);
	tree_folder("boot/grubenv");
}

static void repair_environment(const struct pv *pv)
{
	struct pv_bootenv env = {.revision = "3", .tried = "7"};
	struct pv_err err;

	CHECK(unlinkat(pv->storage, "boot/grubenv", AT_REMOVEDIR) == 0);
	CHECK(pv_bootenv_store(pv_storage_at(pv->storage), pv->loader, &env, &err) == 0);
}

/* It is committed once that is noted, and else left: the next boot would leave it as well. */
static void test_commit_that_cannot_be_noted_is_none(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	int64_t now = 2;

	tick(&pv, 1);
	tick(&pv, now);
	break_environment(&pv);
	tick(&pv, now += 25 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_TRIED && !pv.end && pv.run->stable_at == now + 25 * SECOND);
	repair_environment(&pv);
	tick(&pv, now += 25 * SECOND);
	CHECK(pv.run->standing == PV_STANDING_COMMITTED && !pv.end);
	check_stored(&pv, "7", "", "3");
	pv = stored("3", "7", PV_STANDING_TRIED);
	tick(&pv, 1);
	tick(&pv, 2);
	break_environment(&pv);
	for (now = 2; now < 1000 * SECOND && !pv.end; now += 5 * SECOND)
		tick(&pv, now);
	CHECK(pv.end == PV_END_REBOOT && pv.run->standing == PV_STANDING_TRIED);
	repair_environment(&pv);
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

static void test_try_that_is_over_is_forgotten(void)
{
	struct pv pv = stored("7", "8", PV_STANDING_COMMITTED);

	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(pv.run->running && pv.env.generation == 1);
	tick(&pv, 2 + 25 * SECOND);
	CHECK(pv.env.generation == 2);
	check_stored(&pv, "7", "", "");
}

static void test_boots_of_the_committed_revision_are_counted_anew(void)
{
	struct pv pv = stored("7", "", PV_STANDING_COMMITTED);

	tree_file("boot/grubtry", "# GRUB Environment Block\npv_fails=1:xx\n####");
	tick(&pv, 1);
	CHECK(tick(&pv, 2) == 2 + 25 * SECOND && pv.env.generation == 1);
	tick(&pv, 2 + 25 * SECOND);
	CHECK(pv.env.generation == 2);
	check_stored(&pv, "7", "", "");
}

/* Both copies are lost, or other tools never wrote one: GRUB would count on and stop, for nothing begins
 * anew. */
static void test_committed_revision_is_noted_where_no_whole_copy_is(void)
{
	struct pv pv = stored("", "", PV_STANDING_COMMITTED);

	pv_bootenv_load(pv.storage, pv.loader, &pv.env);
	tree_file("boot/grubtry", "# GRUB Environment Block\npv_fails=1:xx\n####");
	tick(&pv, 1);
	tick(&pv, 2);
	tick(&pv, 2 + 25 * SECOND);
	CHECK(pv.env.generation > 0);
	check_stored(&pv, "7", "", "");
}

/* However long a try is to last: a device that is used for a minute a day is not a broken one. */
static void test_boot_is_good_soon_whatever_the_commit_delay(void)
{
	struct pv pv = stored("7", "", PV_STANDING_COMMITTED);

	strcpy(pv.config.value[PV_UPDATER_COMMIT_DELAY], "3600");
	tree_file("boot/grubtry", "# GRUB Environment Block\npv_fails=1:xx\n####");
	tick(&pv, 1);
	CHECK(tick(&pv, 2) == 2 + 25 * SECOND);
	tick(&pv, 2 + 25 * SECOND);
	CHECK(pv.env.generation == 2);
	check_stored(&pv, "7", "", "");
}

/* Else it would start, count as good and be lost again for ever, with a revision behind it that runs. */
static void test_boot_that_loses_a_system_container_is_no_good_one(void)
{
	struct pv pv = stored("7", "", PV_STANDING_COMMITTED);

	tree_file("boot/grubtry", "# GRUB Environment Block\npv_fails=1:xx\n####");
	web.recovery.max_retries = 1;
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(pv.run->running);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 10 * SECOND);
	tick(&pv, 10 * SECOND);
	tick(&pv, 50 * SECOND);
	CHECK(!pv.end && task.status == PV_STATUS_STARTED);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 60 * SECOND);
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_REBOOT && pv.env.faults == 1);
	check_stored(&pv, "7", "", "");
	web.recovery.max_retries = 0;
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

/* Its goals are missed and the device stays up: the boot loader is to count to no halt because of that. */
static void test_boots_that_are_late_are_counted_anew(void)
{
	static const enum pv_standing standings[] = {
		PV_STANDING_FACTORY, PV_STANDING_COMMITTED, PV_STANDING_LAST_GOOD};

	for (size_t i = 0; i < PV_COUNT(standings); i++) {
		struct pv pv = stored("9", "", standings[i]);

		tree_file("boot/grubtry", "# GRUB Environment Block\npv_fails=1:xx\n####");
		world.has_init = false;
		tick(&pv, 1);
		tick(&pv, 31 * SECOND);
		CHECK(pv.run->running && pv.run->groups_late == 1 && !pv.end && pv.env.generation == 1);
		tick(&pv, 400 * SECOND);
		CHECK(!pv.end && !pv.run->stable_at && pv.env.generation == 2);
		check_stored(&pv, "9", "", "");
	}
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

static void test_last_good_revision_that_keeps_failing_stays_up(void)
{
	struct pv pv = stored("9", "", PV_STANDING_LAST_GOOD);
	int64_t stable;

	tree_file("boot/grubtry", "# GRUB Environment Block\npv_fails=1:xxxx\n####");
	tick(&pv, 1);
	tick(&pv, 2);
	stable = pv.run->stable_at;
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, stable - 1);
	world.has_init = false;
	tick(&pv, stable + 300 * SECOND);
	CHECK(!pv.end && pv.env.generation == 2);
	check_stored(&pv, "9", "", "");
}

static void test_last_good_revision_takes_the_place_of_a_rotten_one(void)
{
	struct pv pv = stored("9", "", PV_STANDING_LAST_GOOD);

	tick(&pv, 1);
	tick(&pv, 2);
	tick(&pv, 2 + 25 * SECOND);
	check_stored(&pv, "7", "", "");
}

int main(void)
{
	pv_log_set_level(-1);
	test_tried_revision_is_committed_once_it_was_stable();
	test_release_rises_with_the_commit();
	test_release_rises_with_a_good_boot();
	test_commit_waits_for_the_stable_time_of_containers();
	test_container_that_ends_again_and_again_is_not_stable();
	test_commit_that_cannot_be_noted_is_none();
	test_tried_revision_that_keeps_failing_goes_back();
	test_try_that_is_over_is_forgotten();
	test_boots_of_the_committed_revision_are_counted_anew();
	test_committed_revision_is_noted_where_no_whole_copy_is();
	test_boot_is_good_soon_whatever_the_commit_delay();
	test_boot_that_loses_a_system_container_is_no_good_one();
	test_delay_begins_anew_with_each_failure();
	test_boots_that_are_late_are_counted_anew();
	test_late_try_counts_for_nothing();
	test_last_good_revision_that_keeps_failing_stays_up();
	test_last_good_revision_takes_the_place_of_a_rotten_one();
	return check_done();
}
