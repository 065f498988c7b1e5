/* SPDX-License-Identifier: MIT */
/* Who may have what done on a device with one container, and what comes of it. */
#include "ask.h"

static void test_roles_decide(void)
{
	static const struct {
		bool has_roles, lists_mgmt, is_confined;
		int status;
	} rows[] = {
		{true, true, false, 200},
		{true, true, true, 200},
		{true, false, false, 403},
		{true, false, true, 403},
		/* Without any: as published, unless it is confined. */
		{false, false, false, 200},
		{false, false, true, 403},
	};

	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		struct pv pv = running(rows[i].has_roles, rows[i].lists_mgmt, rows[i].is_confined);

		CHECK(order(&pv, &own, PV_CTRL_CONTAINERS, "") == rows[i].status);
		CHECK(order(&pv, &own, PV_CTRL_MAY, "") == rows[i].status);
		CHECK_TEXT(reply.body, rows[i].status == 200 ? "7" : "");
		CHECK(order(&pv, &host, PV_CTRL_CONTAINERS, "") == 200);
	}
}

static void test_others_have_nothing_done(void)
{
	struct pv pv = running(true, true, false);
	const struct pv_peer fake_host = {.kind = PV_PEER_HOST, .is_root = false};

	for (int op = 0; op < PV_CTRL_OP_COUNT; op++) {
		CHECK(order(&pv, &stranger, (enum pv_ctrl_op)op, "7") == 403);
		CHECK(order(&pv, &other, (enum pv_ctrl_op)op, "7") == 403);
		CHECK(op == PV_CTRL_READY || order(&pv, &user, (enum pv_ctrl_op)op, "7") == 403);
		CHECK(op == PV_CTRL_READY || order(&pv, &fake_host, (enum pv_ctrl_op)op, "7") == 403);
	}
	/* The container's cgroup may be there a little longer than it. */
	task.monitor = 0;
	CHECK(order(&pv, &own, PV_CTRL_CONTAINERS, "") == 403 && !pv.end);
}

static void test_ask_that_is_none_is_refused(void)
{
	struct pv pv = running(true, true, false);
	struct pv_ctrl_ask ask = {.op = PV_CTRL_OP_COUNT, .peer = host};

	pv_order_obey(&pv, &ask, &reply, 1);
	CHECK(reply.status == 500);
	ask.op = PV_CTRL_REBOOT;
	memset(ask.payload, 'a', sizeof(ask.payload));
	pv_order_obey(&pv, &ask, &reply, 1);
	CHECK(reply.status == 500 && !pv.end);
}

static void test_ready_reaches_the_goal(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	web.goal = PV_GOAL_READY;
	web.has_roles = true;
	web.lists_mgmt = false;
	CHECK(order(&pv, &user, PV_CTRL_READY, "") == 403);
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(task.status == PV_STATUS_STARTED && !run.running);
	CHECK(order(&pv, &other, PV_CTRL_READY, "") == 403 && order(&pv, &host, PV_CTRL_READY, "") == 403);
	/* Any user of the container may say so, and say it again. */
	CHECK(order(&pv, &user, PV_CTRL_READY, "") == 200 && order(&pv, &own, PV_CTRL_READY, "") == 200);
	CHECK(task.status == PV_STATUS_READY && task.reached);
	tick(&pv, 3);
	CHECK(run.running);
	/* After an end it has to say so anew. */
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 20 * SECOND);
	CHECK(task.status == PV_STATUS_RECOVERING && !task.reached);
	tick(&pv, task.retry_at);
	tick(&pv, task.retry_at + 1);
	CHECK(task.status == PV_STATUS_STARTED && !task.reached);
	web.goal = PV_GOAL_STARTED;
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 500);
}

/* It signals before we looked for its init. */
static void test_ready_may_come_early(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	web.goal = PV_GOAL_READY;
	world.has_init = false;
	tick(&pv, 1);
	CHECK(task.status == PV_STATUS_STARTING);
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 200 && task.status == PV_STATUS_READY);
	/* Without its init it could not be asked to end. */
	CHECK(!task.init);
	world.has_init = true;
	tick(&pv, 2);
	CHECK(task.init == INIT && task.status == PV_STATUS_READY);
	web.goal = PV_GOAL_STARTED;
}

static void test_ready_that_comes_early_leads_to_its_init(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	web.goal = PV_GOAL_READY;
	world.has_init = false;
	tick(&pv, 1);
	world.has_init = true;
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 200 && task.status == PV_STATUS_READY);
	CHECK(task.init == INIT);
	web.goal = PV_GOAL_STARTED;
}

/* Its health check knows better. */
static void test_ready_of_an_unhealthy_container_is_refused(void)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	web.goal = PV_GOAL_READY;
	tick(&pv, 1);
	tick(&pv, 2);
	task.health.standing = PV_HEALTH_ILL;
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 500 && task.status == PV_STATUS_STARTED);
	CHECK_HAS(reply.body, "unhealthy");
	task.health.standing = PV_HEALTH_WELL;
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 200 && task.status == PV_STATUS_READY);
	web.goal = PV_GOAL_STARTED;
}

/* Its health check has the last word: the signal is good, and it waits for the check. */
static void test_ready_before_the_first_check_waits_for_it(void)
{
	static const struct pv_json_node words = {.type = PV_JSON_ARRAY, .count = 1};
	struct pv pv = device(PV_STANDING_FACTORY);
	char log[PV_LOG_LAST_BYTES];

	web.goal = PV_GOAL_READY;
	web.health = (struct pv_health){.test = &words, .interval_s = 10};
	tick(&pv, 1);
	tick(&pv, 2);
	pv_log_set_level(PV_LOG_INFO);
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 200);
	CHECK(task.status == PV_STATUS_STARTED && !task.reached);
	/* Any of its users may ask again and again. */
	pv_log_last(log, sizeof(log));
	CHECK_TEXT(log, "");
	pv_log_set_level(-1);
	task.health.standing = PV_HEALTH_WELL;
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 200 && task.status == PV_STATUS_READY);
	web.goal = PV_GOAL_STARTED;
	web.health = (struct pv_health){0};
}

/* Whatever its role: its own, of the revision from which it was started. */
static void test_logs_are_those_of_the_caller(void)
{
	struct pv pv = running(false, true, false);

	strcpy(task.home, "locals/before");
	CHECK(order(&pv, &own, PV_CTRL_LOGS, "db") == 200);
	CHECK_TEXT(reply.body, "locals/before/web");
	CHECK(order(&pv, &user, PV_CTRL_LOGS, "") == 403 && order(&pv, &other, PV_CTRL_LOGS, "") == 403);
	CHECK(order(&pv, &host, PV_CTRL_LOGS, "") == 403);
	CHECK_HAS(reply.body, "Request not sent by root of a container");
}

static void test_container_is_stopped_and_started_on_request(void)
{
	struct pv pv = running(true, true, false);
	int64_t now = 5 * SECOND;

	CHECK(order(&pv, &own, PV_CTRL_START, "web") == 400 && order(&pv, &own, PV_CTRL_STOP, "db") == 404);
	CHECK(order(&pv, &own, PV_CTRL_STOP, "web") == 200 && task.status == PV_STATUS_STOPPING &&
		world.halts == 1);
	CHECK(order(&pv, &host, PV_CTRL_STOP, "web") == 400);
	/* It listens to nothing: killed after the grace, and again if need be. */
	CHECK(tick(&pv, now) == now + 5 * SECOND && !world.kills);
	CHECK(tick(&pv, now + 5 * SECOND) == now + 6 * SECOND && world.kills == 1);
	tick(&pv, now + 6 * SECOND);
	CHECK(world.kills == 2);
	pv_supervise_reaped(&pv, MONITOR, 9, now + 7 * SECOND);
	CHECK(task.status == PV_STATUS_STOPPED && world.unmounts == 1 && !pv.end);
	order(&pv, &host, PV_CTRL_CONTAINERS, "");
	CHECK_HAS(reply.body, "\"status\":\"STOPPED\"");
	CHECK_HAS(reply.body, "\"user_stopped\":true");
	/* It stays so. */
	tick(&pv, now + 1000 * SECOND);
	CHECK(task.status == PV_STATUS_STOPPED && world.spawns == 1);
	/* Nor does it come back while its revision is being left. */
	pv.change.phase = PV_PHASE_LEAVING;
	CHECK(order(&pv, &host, PV_CTRL_START, "web") == 503 && reply.retry_s && world.spawns == 1);
	pv.change.phase = PV_PHASE_NONE;
	CHECK(order(&pv, &host, PV_CTRL_START, "web") == 200 && task.status == PV_STATUS_STARTING);
	CHECK(!task.user_stopped && world.spawns == 2);
}

static void test_container_is_restarted_on_request(void)
{
	struct pv pv = running(true, true, false);

	task.retries = 3;
	CHECK(order(&pv, &own, PV_CTRL_RESTART, "web") == 200 && task.status == PV_STATUS_STOPPING);
	pv_supervise_reaped(&pv, MONITOR, 0, 6 * SECOND);
	tick(&pv, 6 * SECOND);
	CHECK(task.status == PV_STATUS_STARTED && world.spawns == 2 && !task.user_stopped && !task.retries);
	/* One that was stopped is started; one that waits for its next try begins it at once. */
	CHECK(order(&pv, &host, PV_CTRL_STOP, "web") == 200);
	pv_supervise_reaped(&pv, MONITOR, 0, 7 * SECOND);
	CHECK(order(&pv, &host, PV_CTRL_RESTART, "web") == 200 && world.spawns == 3);
	task.status = PV_STATUS_RECOVERING;
	task.monitor = 0;
	CHECK(order(&pv, &host, PV_CTRL_RESTART, "web") == 200 && task.status == PV_STATUS_STOPPED);
	tick(&pv, 8 * SECOND);
	CHECK(world.spawns == 4);
}

static void test_container_of_the_system_is_not_stopped(void)
{
	struct pv pv = running(true, true, false);

	web.restart = PV_RESTART_SYSTEM;
	CHECK(order(&pv, &own, PV_CTRL_STOP, "web") == 403 &&
		order(&pv, &own, PV_CTRL_RESTART, "web") == 403);
	CHECK_HAS(reply.body, "restart policy");
	CHECK(task.status == PV_STATUS_STARTED);
	web.restart = PV_RESTART_CONTAINER;
}

static void test_device_ends_once(void)
{
	struct pv pv = running(true, true, false);

	pv_loop_init(&pv.loop, NULL, 0);
	/* Not before the answer is there: the container that has it is going to end as well. */
	CHECK(order(&pv, &own, PV_CTRL_REBOOT, "") == 200 && !pv.end && !world.halts);
	CHECK(order(&pv, &own, PV_CTRL_POWEROFF, "") == 503 && reply.retry_s > 0);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "3") == 503 && order(&pv, &own, PV_CTRL_STOP, "web") == 503);
	CHECK(pv.loop.timer_count == 1);
	pv.asked.timer.handle(&pv.asked.timer, 0);
	CHECK(pv.end == PV_END_REBOOT && world.halts == 1);
	pv_loop_free(&pv.loop);
	/* How it goes can still be seen. */
	CHECK(order(&pv, &own, PV_CTRL_CONTAINERS, "") == 200);
	CHECK_HAS(reply.body, "STOPPING");
}

static void test_tried_revision_is_not_left_halfway(void)
{
	static const enum pv_ctrl_op ops[] = {
		PV_CTRL_REBOOT, PV_CTRL_POWEROFF, PV_CTRL_RUN, PV_CTRL_RUN_COMMIT, PV_CTRL_MAKE_FACTORY};
	struct pv pv = running(true, true, false);

	run.standing = PV_STANDING_TRIED;
	for (size_t i = 0; i < PV_COUNT(ops); i++)
		CHECK(order(&pv, &own, ops[i], "3") == 503 && reply.retry_s == 600);
	CHECK(!pv.end);
	/* One that came in the place of another one may stay so, as goals that it misses are not its end.
	 */
	run.standing = PV_STANDING_LAST_GOOD;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "3") == 409 && order(&pv, &own, PV_CTRL_REBOOT, "") == 200);
	free(pv.asked.why);
	pv_loop_free(&pv.loop);
}

int main(void)
{
	pv_log_set_level(-1);
	test_roles_decide();
	test_others_have_nothing_done();
	test_ask_that_is_none_is_refused();
	test_ready_reaches_the_goal();
	test_ready_may_come_early();
	test_ready_that_comes_early_leads_to_its_init();
	test_ready_of_an_unhealthy_container_is_refused();
	test_ready_before_the_first_check_waits_for_it();
	test_logs_are_those_of_the_caller();
	test_container_is_stopped_and_started_on_request();
	test_container_is_restarted_on_request();
	test_container_of_the_system_is_not_stopped();
	test_device_ends_once();
	test_tried_revision_is_not_left_halfway();
	return check_done();
}
