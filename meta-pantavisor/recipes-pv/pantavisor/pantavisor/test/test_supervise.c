/* SPDX-License-Identifier: MIT */
/* Stories of containers: how they start, fail, recover and end. */
#include "supervise.h"

#include "growth.h"
#include "life.h"

/* A bsp volume that did not mount leaves a state with containers, and nothing that runs them. */
static void test_revision_that_did_not_boot_is_left_alone(void)
{
	struct pv pv = device(PV_STANDING_COMMITTED);
	int64_t next = INT64_MAX;

	pv.run->tasks = NULL;
	pv.run->task_count = 0;
	CHECK(tick(&pv, 1) == INT64_MAX && !pv.run->running && !world.mounts);
	pv_supervise_reaped(&pv, MONITOR, 0, 1);
	pv_ending_begin(&pv, PV_END_REBOOT, "test");
	if (!setjmp(end_of_story)) {
		pv_ending_tick(&pv, pv.kill_at + SECOND, &next);
		CHECK(!"the end did not come");
	}
}

static void test_container_starts_and_the_revision_runs(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	tick(&pv, 1);
	CHECK(task.status == PV_STATUS_STARTING && world.spawns == 1 && !pv.run->running);
	tick(&pv, 2);
	CHECK(task.status == PV_STATUS_STARTED && pv.run->running);
}

/* Its volumes are all that is asked of it. */
static void test_container_whose_goal_is_to_be_mounted_is_not_started(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);
	const char *lxc_conf = web.lxc_conf;

	web.lxc_conf = NULL;
	web.goal = PV_GOAL_MOUNTED;
	tick(&pv, 1);
	CHECK(task.status == PV_STATUS_MOUNTED && world.mounts == 1 && !world.spawns && pv.run->running);
	web.lxc_conf = lxc_conf;
	web.goal = PV_GOAL_STARTED;
}

static void test_container_that_hangs_before_its_init_is_looked_at_less_often(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	world.has_init = false;
	CHECK(tick(&pv, 1) == 51);
	CHECK(tick(&pv, 9 * SECOND) == 9 * SECOND + 50);
	CHECK(tick(&pv, 11 * SECOND) == 12 * SECOND);
	CHECK(tick(&pv, 100 * SECOND) == 101 * SECOND && task.status == PV_STATUS_STARTING);
	world.has_init = true;
	tick(&pv, 101 * SECOND);
	CHECK(task.status == PV_STATUS_STARTED);
}

static void test_crash_loop_slows_down(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);
	int64_t now = SECOND, last = 0;

	tick(&pv, now);
	for (int round = 0; round < 12; round++) {
		int64_t pause;

		pv_supervise_reaped(&pv, MONITOR, 1 << 8, now);
		CHECK(task.status == PV_STATUS_RECOVERING && world.clears == round + 1);
		pause = task.retry_at - now;
		CHECK(pause >= SECOND && pause >= last && pause <= 60 * SECOND);
		last = pause;
		tick(&pv, task.retry_at - 1);
		CHECK(world.spawns == round + 1);
		now = task.retry_at;
		tick(&pv, now);
		CHECK(world.spawns == round + 2);
		task.started_at = now;
	}
	CHECK(last == 60 * SECOND);
}

static void test_thousand_restarts_gather_nothing(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);
	int64_t now = SECOND;
	struct growth before = {0};

	tick(&pv, now);
	for (int round = 0; round < 1000; round++) {
		if (round == 10)
			before = growth_now();
		pv_supervise_reaped(&pv, MONITOR, 1 << 8, now);
		now = task.retry_at;
		tick(&pv, now);
		task.started_at = now;
	}
	CHECK(world.spawns == 1001);
	growth_check(before);
}

static void test_container_that_cannot_be_mounted_or_spawned_is_tried_again(void)
{
	for (int i = 0; i < 2; i++) {
		struct pv pv = device(PV_STANDING_FACTORY);

		*(i ? &world.can_mount : &world.can_spawn) = false;
		tick(&pv, 1);
		CHECK(task.status == PV_STATUS_RECOVERING && task.retry_at >= 1 + SECOND);
		CHECK(tick(&pv, 2) == task.retry_at);
		world.can_mount = world.can_spawn = true;
		tick(&pv, task.retry_at);
		CHECK(task.status == PV_STATUS_STARTED);
	}
}

/* Once its retries are used up; while its revision is tested, whatever its policy says. */
static void test_container_that_failed_for_good_takes_the_device_along_or_not(void)
{
	static const struct {
		enum pv_standing standing;
		enum pv_backoff backoff;
		enum pv_end end;
	} rows[] = {
		{PV_STANDING_COMMITTED, PV_BACKOFF_NEVER, PV_END_NONE},
		{PV_STANDING_COMMITTED, PV_BACKOFF_REBOOT, PV_END_REBOOT},
		{PV_STANDING_TRIED, PV_BACKOFF_NEVER, PV_END_REBOOT},
	};

	web.recovery.max_retries = 1;
	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		struct pv pv = device(rows[i].standing);
		int64_t now = 10 * SECOND;

		pv_config_init(&pv.config);
		web.recovery.backoff = rows[i].backoff;
		tick(&pv, 1);
		tick(&pv, 2);
		pv_supervise_reaped(&pv, MONITOR, 1 << 8, now);
		CHECK(task.status == PV_STATUS_RECOVERING && !pv.end);
		now = task.retry_at;
		tick(&pv, now);
		tick(&pv, now + 1);
		pv_supervise_reaped(&pv, MONITOR, 1 << 8, now + 2);
		CHECK(task.status == PV_STATUS_STOPPED && pv.end == rows[i].end);
	}
	web.recovery.max_retries = 0;
	web.recovery.backoff = PV_BACKOFF_REBOOT;
}

static void test_end_asks_then_kills_then_goes_on_without(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);
	int64_t next = INT64_MAX;

	tick(&pv, 1);
	tick(&pv, 2);
	pv_ending_begin(&pv, PV_END_POWEROFF, "test");
	pv_ending_begin(&pv, PV_END_REBOOT, "a second wish changes nothing");
	CHECK(world.halts == 1 && pv.end == PV_END_POWEROFF && task.status == PV_STATUS_STOPPING);
	pv_ending_tick(&pv, pv.kill_at - 1, &next);
	CHECK(!world.kills && next == pv.kill_at);
	pv_ending_tick(&pv, pv.kill_at, &next);
	CHECK(world.kills == 1);
	if (!setjmp(end_of_story)) {
		pv_ending_tick(&pv, pv.kill_at, &next);
		CHECK(!"the end did not come");
	}
}

static void test_tried_revision_that_loses_a_system_container_goes_back(void)
{
	struct pv pv = device(PV_STANDING_TRIED);
	int64_t next = INT64_MAX;

	web.recovery.mode = PV_RECOVER_NO;
	web.restart = PV_RESTART_SYSTEM;
	tick(&pv, 1);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 2);
	CHECK(pv.end == PV_END_REBOOT);
	/* But not at once: a fault that comes with every boot would come all the time. */
	pv_ending_tick(&pv, 3, &next);
	CHECK(next == 20 * SECOND);
	next = INT64_MAX;
	pv_ending_begin(&pv, PV_END_REBOOT, "who asks does not wait");
	if (!setjmp(end_of_story)) {
		pv_ending_tick(&pv, 4, &next);
		CHECK(!"the end did not come");
	}
	web.recovery.mode = PV_RECOVER_ALWAYS;
	web.restart = PV_RESTART_CONTAINER;
}

static void test_monitor_that_outlives_its_container_is_killed(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	tick(&pv, 1);
	tick(&pv, 2);
	task.emptied_at = SECOND;
	CHECK(tick(&pv, 2 * SECOND) == 2 * SECOND + 50 && !world.kills);
	CHECK(tick(&pv, 6 * SECOND - 10) == 6 * SECOND && !world.kills);
	tick(&pv, 6 * SECOND);
	tick(&pv, 7 * SECOND);
	CHECK(world.kills == 1 && task.monitor == MONITOR);
}

/* A volume's first content takes longer than the group has: the container starts all the same, and the
 * device goes on meanwhile. */
static void test_container_starts_when_its_volumes_are_ready(void)
{
	struct pv pv = device(PV_STANDING_TRIED);

	pv_config_init(&pv.config);
	world.mounts_slowly = true;
	CHECK(tick(&pv, 1) == INT64_MAX && world.mounts == 1 && !world.spawns);
	CHECK(tick(&pv, 300 * SECOND) == INT64_MAX && world.mounts == 1 && !pv.run->groups_late && !pv.end);
	CHECK(task.status == PV_STATUS_INSTALLED);
	/* With no look at it in between. */
	task.place = PV_PLACE_MOUNTED;
	world.has_init = false;
	tick(&pv, 400 * SECOND);
	CHECK(world.spawns == 1 && !pv.run->groups_late && !pv.end);
	world.has_init = true;
	tick(&pv, 401 * SECOND);
	CHECK(world.spawns == 1 && task.status == PV_STATUS_STARTED);
	CHECK(pv.run->running && !pv.run->groups_late && !pv.end);
}

/* But one that never fits holds the groups up once, and not for ever. */
static void test_volumes_that_are_never_ready_make_a_group_late(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	world.mounts_slowly = true;
	tick(&pv, 1);
	task.place = PV_PLACE_FAILED;
	tick(&pv, 2 * SECOND);
	CHECK(task.status == PV_STATUS_RECOVERING && task.place == PV_PLACE_UNMOUNTING && !world.spawns);
	/* Nothing is mounted before the rest is undone. */
	CHECK(tick(&pv, task.retry_at) > task.retry_at && world.mounts == 1);
	task.place = PV_PLACE_NONE;
	tick(&pv, task.retry_at + 1);
	CHECK(world.mounts == 2 && task.place == PV_PLACE_MOUNTING && !pv.run->groups_late);
	tick(&pv, 40 * SECOND);
	CHECK(pv.run->groups_late == 1 && pv.run->running);
}

static void test_end_does_not_wait_for_volumes(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);
	int64_t next = INT64_MAX;

	pv_loop_init(&pv.loop, NULL, 0);
	pv_jobs_init(&pv.jobs, &pv.loop);
	world.mounts_slowly = true;
	tick(&pv, 1);
	pv_ending_begin(&pv, PV_END_REBOOT, "test");
	pv_ending_tick(&pv, pv.kill_at - 1, &next);
	CHECK(next == pv.kill_at);
	/* The job was cancelled. */
	task.place = PV_PLACE_FAILED;
	if (!setjmp(end_of_story)) {
		pv_ending_tick(&pv, pv.kill_at - 1, &next);
		CHECK(!"the end did not come");
	}
	pv_loop_free(&pv.loop);
}

int main(void)
{
	pv_log_set_level(-1);
	test_revision_that_did_not_boot_is_left_alone();
	test_container_starts_and_the_revision_runs();
	test_container_whose_goal_is_to_be_mounted_is_not_started();
	test_container_that_hangs_before_its_init_is_looked_at_less_often();
	test_crash_loop_slows_down();
	test_thousand_restarts_gather_nothing();
	test_container_that_cannot_be_mounted_or_spawned_is_tried_again();
	test_container_that_failed_for_good_takes_the_device_along_or_not();
	test_end_asks_then_kills_then_goes_on_without();
	test_tried_revision_that_loses_a_system_container_goes_back();
	test_monitor_that_outlives_its_container_is_killed();
	test_container_starts_when_its_volumes_are_ready();
	test_volumes_that_are_never_ready_make_a_group_late();
	test_end_does_not_wait_for_volumes();
	return check_done();
}
