/* SPDX-License-Identifier: MIT */
/* Updates without a reboot that fail, and the way back from them. */
#include "switch.h"

#include "transition.h"

static void check_is_back(struct pv *pv, const struct pv_task *db, int64_t now)
{
	if (of(pv, "web")->monitor)
		pv_supervise_reaped(pv, MONITOR, 0, now + 1);
	for (int i = 0; i < 4; i++)
		tick(pv, now + 2 + i);
	CHECK_TEXT(pv->run->revision, "7");
	check_current("7");
	CHECK(pv->run->standing == PV_STANDING_COMMITTED && pv->run->running && !pv->end);
	CHECK(of(pv, "db") == db && db->monitor == DB && db->spec == &pv->run->state.containers[0]);
	CHECK(of(pv, "web")->status == PV_STATUS_STARTED && world.spawns == 4);
	/* It is good again, and nothing of the other one comes later. */
	tick(pv, now + 2 * DELAY);
	tick(pv, now + 200 * DELAY);
}

static void test_container_that_is_late_leads_back(void)
{
	int64_t now = 100 * SECOND;
	struct pv_task *db;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	world.has_init = false;
	go_to(&pv, NEW, now);
	tick(&pv, now + 40 * SECOND);
	check_progress(&pv, "ERROR", "Status goal not reached");
	CHECK(pv.change.phase == PV_PHASE_RETURNING);
	world.has_init = true;
	check_is_back(&pv, db, now + 40 * SECOND);
	finish(&pv, "7", "");
}

static void test_container_that_fails_for_good_leads_back(void)
{
	int64_t now = 100 * SECOND;
	struct pv_task *db;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	go_to(&pv, NEW, now);
	CHECK(pv.run->running);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, now + 2 * SECOND);
	tick(&pv, now + 3 * SECOND);
	tick(&pv, now + 3 * SECOND + 1);
	CHECK(of(&pv, "web")->status == PV_STATUS_STARTED && of(&pv, "web")->retries == 1);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, now + 4 * SECOND);
	tick(&pv, now + 4 * SECOND);
	check_progress(&pv, "ERROR", "A container could not be started");
	world.spawns = 3;
	check_is_back(&pv, db, now + 5 * SECOND);
	finish(&pv, "7", "");
}

static void test_failure_while_it_is_noted_leads_back(void)
{
	int64_t now = 100 * SECOND;
	struct pv_task *db;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	go_to(&pv, NEW, now);
	world.works_slowly = true;
	tick(&pv, now + 6 + DELAY);
	CHECK(pv.change.phase == PV_PHASE_NOTING);
	pv_supervise_reaped(&pv, DB, 1 << 8, now + 7 + DELAY);
	wait_for_jobs(&pv);
	check_progress(&pv, "ERROR", "A container could not be started");
	for (int i = 0; i < 6; i++) {
		tick(&pv, now + 8 + i + DELAY);
		if (of(&pv, "web")->status == PV_STATUS_STOPPING)
			pv_supervise_reaped(&pv, MONITOR, 0, now + 8 + i + DELAY);
	}
	CHECK_TEXT(pv.run->revision, "7");
	/* It has another chance. */
	CHECK(of(&pv, "db") == db && db->status == PV_STATUS_STARTED && pv.run->running && !pv.end);
	finish(&pv, "7", "");
}

/* The next boot is one of the old revision: what runs and what is recorded is that as well. */
static void test_revision_that_cannot_be_noted_is_left(void)
{
	int64_t now = 100 * SECOND;
	struct pv_task *db;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	go_to(&pv, NEW, now);
	break_bootenv(&pv);
	tick(&pv, now + 6 + DELAY);
	check_progress(&pv, "ERROR",
		"It cannot be recorded for the boot loader: cannot open boot/grubenv: Is a directory");
	tick(&pv, now + 7 + DELAY);
	CHECK(pv.change.phase == PV_PHASE_RETURNING);
	repair_bootenv(&pv, "7", "");
	check_is_back(&pv, db, now + 8 + DELAY);
	check_progress(&pv, "ERROR",
		"It cannot be recorded for the boot loader: cannot open boot/grubenv: Is a directory");
	finish(&pv, "7", "");
}

static void test_revision_whose_kernel_rotted_is_left(void)
{
	int64_t now = 100 * SECOND;
	struct pv_task *db;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	go_to(&pv, NEW, now);
	world.is_rotten = true;
	tick(&pv, now + 6 + DELAY);
	check_progress(&pv, "ERROR", "It cannot be recorded for the boot loader: its kernel is damaged");
	tick(&pv, now + 7 + DELAY);
	check_is_back(&pv, db, now + 8 + DELAY);
	finish(&pv, "7", "");
}

static void test_container_that_never_ends_is_left_by_a_reboot(void)
{
	int64_t now = 100 * SECOND;
	struct pv pv;

	begin(&pv, OLD);
	pv_switch_begin(&pv, make_run("8", NEW), now);
	for (; !pv.end && now < 1000 * SECOND; now += SECOND)
		tick(&pv, now);
	CHECK(pv.end == PV_END_REBOOT && world.kills > 0 && now > 300 * SECOND);
	CHECK_TEXT(pv.run->revision, "7");
	pv_run_free(pv.change.other);
	pv.change = (struct pv_change_over){0};
	finish(&pv, "7", "");
}

int main(void)
{
	pv_log_set_level(-1);
	test_container_that_is_late_leads_back();
	test_container_that_fails_for_good_leads_back();
	test_failure_while_it_is_noted_leads_back();
	test_revision_that_cannot_be_noted_is_left();
	test_revision_whose_kernel_rotted_is_left();
	test_container_that_never_ends_is_left_by_a_reboot();
	return check_done();
}
