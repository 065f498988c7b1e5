/* SPDX-License-Identifier: MIT */
/* Stories of boots: which of them is a try, and when one of a revision that is not tried counts as good. */
#include "commit.h"

#include "life.h"

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

/* GRUB may have passed it over before, where it found no kernel or could not note the try. Only what GRUB
 * goes back to is not a try then. */
static void test_try_after_a_boot_that_was_counted_is_one(void)
{
	static const struct {
		const char *tried, *previous;
		enum pv_standing standing;
	} boots[] = {{"7", "", PV_STANDING_TRIED}, {"7", "0", PV_STANDING_TRIED},
		{"7", "7", PV_STANDING_LAST_GOOD}, {"0", "7", PV_STANDING_LAST_GOOD}};

	for (size_t i = 0; i < PV_COUNT(boots); i++) {
		struct pv pv = stored("3", boots[i].tried, PV_STANDING_FACTORY);
		struct pv_err err;

		strcpy(pv.env.previous, boots[i].previous);
		CHECK(pv_bootenv_store(pv_storage_at(pv.storage), pv.loader, &pv.env, &err) == 0);
		tree_file("boot/grubtry", "# GRUB Environment Block\npv_trying=2\npv_fails=2:x\n####");
		pv.run->revision = (char *)(uintptr_t)boots[i].tried;
		pv_commit_load(&pv, boots[i].tried);
		CHECK(pv.env.generation == 2 && pv.run->standing == boots[i].standing);
		check_stored(&pv, "3", boots[i].tried, boots[i].previous);
	}
}

int main(void)
{
	pv_log_set_level(-1);
	test_try_after_a_boot_that_was_counted_is_one();
	test_boots_of_the_committed_revision_are_counted_anew();
	test_committed_revision_is_noted_where_no_whole_copy_is();
	test_boot_is_good_soon_whatever_the_commit_delay();
	test_boot_that_loses_a_system_container_is_no_good_one();
	test_boots_that_are_late_are_counted_anew();
	test_try_that_is_over_is_forgotten();
	test_last_good_revision_that_keeps_failing_stays_up();
	test_last_good_revision_takes_the_place_of_a_rotten_one();
	return check_done();
}
