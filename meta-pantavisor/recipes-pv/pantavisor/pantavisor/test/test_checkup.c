/* SPDX-License-Identifier: MIT */
/* Stories of containers with a health check: when it runs, and what follows from how it ends. */
#include "checkup.h"

#include "life.h"
#include "task.h"

#define PROBE 815

static const struct pv_json_node words = {.type = PV_JSON_ARRAY, .count = 1};

/* The device, its container started, at 1 ms. */
static struct pv checked(enum pv_standing standing)
{
	struct pv pv = device(standing);

	web.health = (struct pv_health){
		.test = &words, .interval_s = 10, .timeout_s = 3, .start_interval_s = 2, .retries = 3};
	web.goal = PV_GOAL_READY;
	web.recovery.mode = PV_RECOVER_ALWAYS;
	world.probe = PROBE;
	pv_config_init(&pv.config);
	tick(&pv, 1);
	tick(&pv, 1);
	CHECK(task.status == PV_STATUS_STARTED && !pv.run->running && !world.probes);
	return pv;
}

/* One check, at `now`. Returns the time of the next one. */
static int64_t check(struct pv *pv, int exit_status, int64_t now)
{
	int before = world.probes;

	tick(pv, now);
	CHECK(world.probes == before + 1 && task.probe == PROBE);
	pv_supervise_reaped(pv, PROBE, exit_status << 8, now);
	CHECK(!task.probe);
	return task.probe_at;
}

static void test_check_that_passes_makes_a_container_ready(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);

	CHECK(check(&pv, 1, SECOND + 1) == 3 * SECOND + 1);
	CHECK(task.status == PV_STATUS_STARTED && task.health.standing == PV_HEALTH_STARTING);
	CHECK(check(&pv, 0, 3 * SECOND + 1) == 13 * SECOND + 1);
	CHECK(task.status == PV_STATUS_READY && task.reached && task.health.standing == PV_HEALTH_WELL);
	CHECK(tick(&pv, 4 * SECOND) <= 13 * SECOND + 1 && pv.run->running);
	CHECK(world.probes == 2);
}

static void test_container_that_falls_ill_is_ended_and_recovers(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);
	int64_t now = check(&pv, 0, SECOND + 1);

	now = check(&pv, 7, now);
	now = check(&pv, 124, now);
	CHECK(task.status == PV_STATUS_READY && task.reached && !world.halts);
	check(&pv, 7, now);
	CHECK(world.halts == 1 && !task.reached && task.status == PV_STATUS_STARTED && task.is_ill);
	/* It obeys, and ends well: its end is a failure all the same. */
	pv_supervise_reaped(&pv, MONITOR, 0, now + SECOND);
	CHECK(task.status == PV_STATUS_RECOVERING && task.exit_status == PV_CONTAINER_ILL && !task.is_ill);
	tick(&pv, task.retry_at);
	CHECK(world.spawns == 2 && task.health.standing == PV_HEALTH_STARTING && !task.health.failures);
}

static void test_container_that_does_not_end_for_its_illness_is_killed(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);
	int64_t now = check(&pv, 0, SECOND + 1);

	for (int i = 0; i < 3; i++)
		now = check(&pv, 1, now);
	CHECK(world.halts == 1 && !world.kills);
	CHECK(tick(&pv, task.kill_at - 1) <= task.kill_at && !world.kills);
	tick(&pv, task.kill_at);
	CHECK(world.kills == 1 && world.probes == 4);
	pv_supervise_reaped(&pv, MONITOR, SIGKILL, task.kill_at);
	CHECK(task.status == PV_STATUS_RECOVERING && !task.kill_at);
}

static void test_container_that_never_gets_well_has_its_time(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);
	int64_t now = SECOND + 1;

	while (now < 30 * SECOND)
		now = check(&pv, 1, now);
	CHECK(!world.halts);
	check(&pv, 1, now);
	CHECK(world.halts == 1);
}

/* What ended cannot be checked: a check that is still to be reaped is not one of the next run. */
static void test_check_of_a_run_before_counts_for_nothing(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);

	tick(&pv, SECOND + 1);
	CHECK(task.probe == PROBE);
	pv_supervise_reaped(&pv, MONITOR, 0, 2 * SECOND);
	CHECK(task.status == PV_STATUS_RECOVERING && !task.probe && world.probe_kills == 1);
	pv_supervise_reaped(&pv, PROBE, 0, 2 * SECOND);
	CHECK(task.health.standing == PV_HEALTH_STARTING && task.status == PV_STATUS_RECOVERING);
}

static void test_check_that_hangs_is_killed(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);

	tick(&pv, SECOND + 1);
	CHECK(tick(&pv, 2 * SECOND) <= 14 * SECOND + 1);
	tick(&pv, 14 * SECOND);
	CHECK(!world.probe_kills);
	tick(&pv, 14 * SECOND + 1);
	CHECK(world.probe_kills == 1 && world.probes == 1);
	pv_supervise_reaped(&pv, PROBE, SIGKILL, 14 * SECOND + 2);
	CHECK(task.health.failures == 1 && task.probe_at == 16 * SECOND + 2);
}

static void test_container_without_recovery_runs_on_and_may_get_well(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);
	int64_t now;

	web.recovery.mode = PV_RECOVER_NO;
	now = check(&pv, 0, SECOND + 1);
	for (int i = 0; i < 3; i++)
		now = check(&pv, 1, now);
	CHECK(task.status == PV_STATUS_STARTED && !task.reached && !world.halts && !pv.end);
	check(&pv, 0, now);
	CHECK(task.status == PV_STATUS_READY && task.reached);
}

/* It need not have READY as its goal for that. */
static void test_try_is_lost_where_a_container_without_recovery_falls_ill(void)
{
	struct pv pv = checked(PV_STANDING_TRIED);
	int64_t now;

	web.recovery.mode = PV_RECOVER_NO;
	web.goal = PV_GOAL_STARTED;
	web.health.interval_s = 1;
	now = check(&pv, 0, SECOND + 1);
	for (int i = 0; i < 3; i++)
		now = check(&pv, 1, now);
	CHECK(pv.end == PV_END_REBOOT);
}

static void test_check_that_cannot_begin_is_tried_again(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);

	world.probe = -1;
	tick(&pv, SECOND + 1);
	CHECK(!task.probe && task.probe_at == 3 * SECOND + 1);
	world.probe = PROBE;
	tick(&pv, 3 * SECOND + 1);
	CHECK(task.probe == PROBE);
}

/* By reboot(2), as an init does that was asked to: LXC starts it again. */
static void test_container_that_restarts_itself_has_its_goal_before_it_again(void)
{
	struct pv pv = checked(PV_STANDING_FACTORY);

	check(&pv, 0, SECOND + 1);
	CHECK(task.status == PV_STATUS_READY && task.reached);
	task.emptied_at = 2 * SECOND;
	CHECK(tick(&pv, 2 * SECOND) == 2 * SECOND + 50);
	world.has_next_init = true;
	tick(&pv, 3 * SECOND);
	CHECK(task.status == PV_STATUS_STARTED && !task.reached && task.started_at == 3 * SECOND);
	world.has_next_init = false;
	tick(&pv, 4 * SECOND);
	check(&pv, 0, 6 * SECOND);
	CHECK(task.status == PV_STATUS_READY && task.monitor == MONITOR && !world.kills && !world.clears);
	/* One that is to end has no other run. */
	CHECK(pv_task_stop(&pv, &task, 7 * SECOND));
	task.emptied_at = 7 * SECOND;
	world.has_next_init = true;
	tick(&pv, 20 * SECOND);
	CHECK(world.kills && task.status == PV_STATUS_STOPPING);
}

int main(void)
{
	pv_log_set_level(-1);
	test_check_that_passes_makes_a_container_ready();
	test_container_that_falls_ill_is_ended_and_recovers();
	test_container_that_does_not_end_for_its_illness_is_killed();
	test_container_that_never_gets_well_has_its_time();
	test_check_of_a_run_before_counts_for_nothing();
	test_check_that_hangs_is_killed();
	test_container_without_recovery_runs_on_and_may_get_well();
	test_try_is_lost_where_a_container_without_recovery_falls_ill();
	test_check_that_cannot_begin_is_tried_again();
	test_container_that_restarts_itself_has_its_goal_before_it_again();
	return check_done();
}
