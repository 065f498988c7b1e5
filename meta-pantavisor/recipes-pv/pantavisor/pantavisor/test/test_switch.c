/* SPDX-License-Identifier: MIT */
/* Updates without a reboot that go well. */
#include "switch.h"

#include "growth.h"
#include "task.h"
#include "transition.h"

static void test_only_what_differs_begins_anew(void)
{
	struct pv_task *db, *old;
	int64_t now = 100 * SECOND;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	old = of(&pv, "web");
	pv_switch_begin(&pv, make_run("8", NEW), now);
	CHECK(world.halts == 1 && old->status == PV_STATUS_STOPPING && db->status == PV_STATUS_STARTED);
	tick(&pv, now + 1);
	/* Two of one name never run at once. */
	CHECK(world.spawns == 2);
	CHECK_TEXT(pv.run->revision, "7");
	pv_supervise_reaped(&pv, MONITOR, 0, now + 2);
	CHECK(tick(&pv, now + 3) == now + 3);
	tick(&pv, now + 4);
	tick(&pv, now + 5);
	CHECK_TEXT(pv.run->revision, "8");
	check_current("8");
	CHECK(of(&pv, "db") == db && db->monitor == DB && world.spawns == 3 && world.unmounts == 1);
	CHECK(db->run == pv.run && db->spec == &pv.run->state.containers[0]);
	CHECK(of(&pv, "web") != old && of(&pv, "web")->status == PV_STATUS_STARTED && pv.run->running);
	check_progress(&pv, "TESTING", "Awaiting to see if update is stable");
	CHECK(!*pv.env.tried);
	tick(&pv, now + 5 + DELAY);
	check_progress(&pv, "UPDATED", "Update finished, revision not set as rollback point");
	CHECK(pv.run->standing == PV_STANDING_UPDATED && of(&pv, "db") == db && !pv.end);
	CHECK_TEXT(db->home, "7");
	CHECK_TEXT(of(&pv, "web")->home, "8");
	tick(&pv, now + 600 * SECOND);
	finish(&pv, "7", "8");
}

static void test_containers_come_and_go(void)
{
	int64_t now = 100 * SECOND;
	struct pv_err err;
	struct pv pv;

	begin(&pv, OLD);
	go_to(&pv, MORE, now);
	CHECK(world.spawns == 3 && of(&pv, "xtra")->status == PV_STATUS_STARTED && !world.halts);
	tick(&pv, now + 6 + DELAY);
	wait_for_jobs(&pv);
	check_progress(&pv, "UPDATED", "Update finished, revision not set as rollback point");
	/* From a revision that came without a boot to yet another one. */
	CHECK(pv_progress_note(pv_storage_at(pv.storage), "8", PV_PROGRESS_INPROGRESS, "", &err) == 0);
	now += 100 * SECOND;
	pv_switch_begin(&pv, make_run("8", LESS), now);
	CHECK(world.halts == 2);
	pv_supervise_reaped(&pv, MONITOR, 0, now);
	pv_supervise_reaped(&pv, XTRA, 0, now);
	for (int i = 0; i < 4; i++)
		tick(&pv, now + i);
	CHECK(pv.run->task_count == 1 && pv.run->running && of(&pv, "db")->monitor == DB);
	tick(&pv, now + 6 + DELAY);
	wait_for_jobs(&pv);
	finish(&pv, "7", "8");
}

/* What the user stopped stays so, and holds nothing up; what had failed has another chance. */
static void test_stopped_and_failed_containers(void)
{
	int64_t now = 100 * SECOND;
	struct pv pv;

	begin(&pv, OLD);
	CHECK(pv_task_stop(&pv, of(&pv, "db"), now));
	pv_supervise_reaped(&pv, DB, 0, now);
	go_to(&pv, NEW, now);
	CHECK(of(&pv, "db")->status == PV_STATUS_STOPPED && pv.run->running && world.spawns == 3);
	tick(&pv, now + 6 + DELAY);
	wait_for_jobs(&pv);
	finish(&pv, "7", "8");
	begin(&pv, OLD);
	pv_supervise_reaped(&pv, DB, 1 << 8, now);
	CHECK(of(&pv, "db")->status == PV_STATUS_STOPPED && !of(&pv, "db")->reached);
	go_to(&pv, NEW, now);
	CHECK(of(&pv, "db")->status == PV_STATUS_STARTED && world.spawns == 4);
	tick(&pv, now + 6 + DELAY);
	wait_for_jobs(&pv);
	finish(&pv, "7", "8");
}

/* The committed revision is what is booted in any case: on the way back to it there is no try. */
static void test_way_back_to_the_committed_revision(void)
{
	int64_t now = 100 * SECOND;
	struct pv pv;

	begin(&pv, OLD);
	snprintf(pv.env.revision, sizeof(pv.env.revision), "8");
	snprintf(pv.env.tried, sizeof(pv.env.tried), "7");
	pv.run->standing = PV_STANDING_UPDATED;
	go_to(&pv, NEW, now);
	tick(&pv, now + 6 + DELAY);
	wait_for_jobs(&pv);
	check_progress(&pv, "DONE", "Update finished, revision set as rollback point");
	finish(&pv, "8", "");
}

/* One that was not recorded yet counts, and is recorded, while what came after it without a boot runs. */
static void test_release_of_what_was_committed_stays_the_least(void)
{
	int64_t now = 100 * SECOND;
	struct pv pv;

	begin(&pv, OLD);
	pv.run->release = 5;
	pv.run->release_at = now + 60 * SECOND;
	go_to(&pv, MORE, now);
	CHECK(pv_run_least_release(pv.run) == 5);
	tick(&pv, now + 6 + DELAY);
	wait_for_jobs(&pv);
	CHECK(pv.run->standing == PV_STANDING_UPDATED && !tree_has("config/release"));
	tick(&pv, now + 60 * SECOND);
	wait_for_jobs(&pv);
	tree_check_text("config/release", "5\n");
	pv.run->release = 7;
	CHECK(pv_run_least_release(pv.run) == 5);
	/* One that runs in the place of a committed one that failed was committed before. */
	pv.run->standing = PV_STANDING_LAST_GOOD;
	CHECK(pv_run_least_release(pv.run) == 7);
	pv.run->standing = PV_STANDING_COMMITTED;
	CHECK(pv_run_least_release(pv.run) == 7);
	finish(&pv, "7", "8");
}

static void test_two_hundred_updates_gather_nothing(void)
{
	struct growth before = {0};
	int64_t now = 100 * SECOND;
	struct pv pv;

	begin(&pv, OLD);
	for (int round = 0; round < 200; round++, now += 100 * SECOND) {
		if (round == 10)
			before = growth_now();
		go_to(&pv, round % 2 ? OLD : NEW, now);
		tick(&pv, now + 10);
		tick(&pv, now + 10 + DELAY);
		wait_for_jobs(&pv);
		CHECK(pv.run->standing == PV_STANDING_UPDATED && pv.change.phase == PV_PHASE_NONE);
	}
	growth_check(before);
	finish(&pv, "7", "8");
}

int main(void)
{
	pv_log_set_level(-1);
	test_only_what_differs_begins_anew();
	test_containers_come_and_go();
	test_stopped_and_failed_containers();
	test_way_back_to_the_committed_revision();
	test_release_of_what_was_committed_stays_the_least();
	test_two_hundred_updates_gather_nothing();
	return check_done();
}
