/* SPDX-License-Identifier: MIT */
/* Who may have what done on a device with one container, and what comes of it. */
#include "order.h"

#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "life.h"
#include "progress.h"
#include "trail.h"

static struct pv_ctrl_reply reply;

static const struct pv_peer host = {.kind = PV_PEER_HOST, .is_root = true};
static const struct pv_peer own = {.kind = PV_PEER_CONTAINER, .is_root = true, .container = "web"};
static const struct pv_peer user = {.kind = PV_PEER_CONTAINER, .is_root = false, .container = "web"};
static const struct pv_peer other = {.kind = PV_PEER_CONTAINER, .is_root = true, .container = "db"};
static const struct pv_peer stranger = {.kind = PV_PEER_STRANGER, .is_root = true};

static int order(struct pv *pv, const struct pv_peer *peer, enum pv_ctrl_op op, const char *name)
{
	struct pv_ctrl_ask ask = {.op = op, .peer = *peer};

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	pv_order_obey(pv, &ask, &reply, 5 * SECOND);
	reply.body[reply.length] = '\0';
	return reply.status;
}

/* One that runs, with these roles. */
static struct pv running(bool has_roles, bool lists_mgmt, bool is_confined)
{
	struct pv pv = device(PV_STANDING_FACTORY);

	web.has_roles = has_roles;
	web.lists_mgmt = lists_mgmt;
	web.is_confined = is_confined;
	web.goal = PV_GOAL_STARTED;
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(task.status == PV_STATUS_STARTED);
	return pv;
}

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

	web.goal = PV_GOAL_READY;
	web.health = (struct pv_health){.test = &words, .interval_s = 10};
	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(order(&pv, &own, PV_CTRL_READY, "") == 200);
	CHECK(task.status == PV_STATUS_STARTED && !task.reached);
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

static void test_reports(void)
{
	struct pv pv = running(true, true, false);

	task.retries = 2;
	CHECK(order(&pv, &host, PV_CTRL_CONTAINERS, "") == 200);
	CHECK_TEXT(reply.body,
		"[{\"name\":\"web\",\"group\":\"app\",\"status\":\"STARTED\",\"status_goal\":\"STARTED\","
		"\"restart_policy\":\"container\",\"roles\":[\"mgmt\"],\"auto_recovery\":{\"policy\":"
		"\"always\","
		"\"max_retries\":0,\"current_retries\":2,\"stable_timeout\":0,\"is_stable\":true,"
		"\"backoff_policy\":\"reboot\"},\"user_stopped\":false}]");
	CHECK(order(&pv, &host, PV_CTRL_GROUPS, "") == 200);
	CHECK_TEXT(reply.body,
		"[{\"name\":\"app\",\"status\":\"ACHIEVED\",\"status_goal\":\"MOUNTED\","
		"\"restart_policy\":\"container\",\"timeout\":30,\"containers\":[\"web\"]}]");
	task.reached = false;
	order(&pv, &host, PV_CTRL_GROUPS, "");
	CHECK_HAS(reply.body, "\"status\":\"TIMEDOUT\"");
}

/* As many containers as there may be, with the longest names: the document fits. */
static void test_longest_report_fits(void)
{
	static struct pv_container specs[PV_CONTAINERS];
	static struct pv_task waiting[PV_CONTAINERS], *all[PV_CONTAINERS];
	static char names[PV_CONTAINERS][PV_NAME_BYTES + 1];
	static char group[PV_NAME_BYTES + 1];
	struct pv pv = device(PV_STANDING_FACTORY);

	memset(group, 'g', PV_NAME_BYTES);
	for (size_t i = 0; i < PV_CONTAINERS; i++) {
		snprintf(names[i], sizeof(names[i]), "%0*zu", PV_NAME_BYTES, i);
		specs[i] = web;
		specs[i].name = names[i];
		specs[i].recovery = (struct pv_recovery){.given = true,
			.mode = PV_RECOVER_UNLESS_STOPPED,
			.max_retries = 31536000,
			.stable_timeout_s = 31536000,
			.backoff = PV_BACKOFF_AFTER,
			.backoff_s = 360000000};
		waiting[i] = (struct pv_task){
			.spec = &specs[i], .status = PV_STATUS_RECOVERING, .retries = 31536000};
		all[i] = &waiting[i];
	}
	run.state.groups[0].name = group;
	run.tasks = all;
	run.task_count = PV_CONTAINERS;
	CHECK(order(&pv, &host, PV_CTRL_CONTAINERS, "") == 200);
	CHECK(reply.length > 30000 && reply.body[reply.length - 1] == ']');
	CHECK(order(&pv, &host, PV_CTRL_GROUPS, "") == 200);
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
		PV_CTRL_REBOOT, PV_CTRL_POWEROFF, PV_CTRL_RUN, PV_CTRL_RUN_COMMIT};
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

/* A storage in memory: a real file system of this machine is not to be frozen. */
static void begin_launch(struct pv *pv, const char *status)
{
	cleanup_free char *record = pv_fmt("{\"status\":\"%s\",\"progress\":0,\"retries\":0}", status);
	struct pv_err err;

	strcpy(tree_root, "/dev/shm/pv-test-XXXXXX");
	CHECK(mkdtemp(tree_root) != NULL);
	tree_folder("boot");
	tree_file("trails/locals/x/.pvr/json", "{}");
	tree_file("trails/locals/x/.pv/progress", record);
	pv->storage = pv_beneath_root(tree_root, &err);
	pv->has_storage = true;
	snprintf(pv->env.revision, sizeof(pv->env.revision), "7");
	CHECK(pv_bootenv_store(pv_storage_at(pv->storage), pv->loader, &pv->env, &err) == 0);
	begin_jobs(pv);
}

static void check_progress(const struct pv *pv, const char *status, const char *message)
{
	struct pv_progress progress;
	struct pv_err err;

	CHECK(pv_progress_load(pv->storage, "locals/x", &progress, &err) == 0);
	CHECK_TEXT(pv_progress_name(progress.status), status);
	CHECK_TEXT(progress.message, message);
}

static void test_revision_is_tried_by_a_reboot(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/y") == 409 &&
		order(&pv, &own, PV_CTRL_RUN, "7") == 409);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200 && !pv.end);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 503 && reply.retry_s == 600);
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_REBOOT);
	check_progress(&pv, "INPROGRESS", "Rebooting");
	check_stored(&pv, "7", "locals/x", "");
}

/* What falls due while it is noted would take it out again. */
static void test_try_that_is_noted_stays_noted(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	run.standing = PV_STANDING_COMMITTED;
	pv.env.faults = 1;
	run.stable_at = 30 * SECOND;
	run.late_at = 60 * SECOND;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	world.works_slowly = true;
	tick(&pv, 30 * SECOND);
	tick(&pv, 31 * SECOND);
	world.works_slowly = false;
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_REBOOT);
	check_stored(&pv, "7", "locals/x", "");
}

/* An end that was asked for while a try was being noted is the one that comes. */
static void test_end_that_came_before_the_note_stays(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	pv_ending_begin(&pv, PV_END_POWEROFF, "a test");
	pv.not_before = 20 * SECOND;
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_POWEROFF && pv.not_before == 20 * SECOND);
	check_stored(&pv, "7", "locals/x", "");
}

/* No revision is removed while it is looked at, nor looked at while some are removed. */
static void test_collection_and_launch_wait_for_each_other(void)
{
	const struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};
	struct pv pv = running(true, true, false);
	struct pv_err err;
	int lock;

	begin_launch(&pv, "NEW");
	lock = pv_trail_lock(pv.storage, &err);
	CHECK(lock >= 0 && order(&pv, &own, PV_CTRL_COLLECT, "") == 200);
	CHECK_TEXT(reply.body, "7");
	/* A container that ran on from another revision has its log and its volumes there. */
	task.place = PV_PLACE_MOUNTED;
	strcpy(task.home, "locals/old");
	CHECK(order(&pv, &own, PV_CTRL_COLLECT, "") == 200);
	CHECK_TEXT(reply.body, "7\nlocals/old");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	CHECK(order(&pv, &own, PV_CTRL_COLLECT, "") == 503 && reply.retry_s == 600);
	nanosleep(&moment, NULL);
	check_progress(&pv, "NEW", "");
	close(lock);
	wait_for_jobs(&pv);
	check_stored(&pv, "7", "locals/x", "");
}

static void test_factory_revision_is_one_that_was_committed(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/y") == 409);
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "") == 409);
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 409);
	CHECK_HAS(reply.body, "was not committed");
	tree_file("trails/locals/x/.pv/done", "1");
	run.revision = (char *)(uintptr_t) "0";
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 409);
	CHECK_HAS(reply.body, "revision 0 runs");
	run.revision = (char *)(uintptr_t) "7";
	/* It came from there without a boot, with its log and its volumes. */
	strcpy(task.home, "0");
	CHECK(task.place == PV_PLACE_MOUNTED && order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 409);
	CHECK_HAS(reply.body, "container web runs on from revision 0");
	strcpy(task.home, "7");
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 200);
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 503);
	/* The state is "{}". */
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "NEW", "");
	check_stored(&pv, "7", "", "");
}

static void test_revision_that_is_unusable_is_not_tried(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	world.unusable = "locals/x";
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "WONTGO", "unusable");
	/* Once it is repaired it may be tried again. */
	world.unusable = NULL;
	CHECK(order(&pv, &own, PV_CTRL_RUN_COMMIT, "locals/x") == 200);
	wait_for_jobs(&pv);
	check_stored(&pv, "7", "locals/x", "");
}

/* By a lack of memory, or since its time was over: not in silence. */
static void test_launch_that_is_cut_off_is_recorded(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	world.is_killed = true;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "ERROR", "Internal error: its process ended with status 137");
	world.is_killed = false;
	check_stored(&pv, "7", "", "");
}

/* It runs on as it is, and a boot would be one of it. */
static void test_revision_that_cannot_be_noted_is_not_tried(void)
{
	struct pv_bootenv env = {.revision = "7"};
	struct pv_err err;
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(unlinkat(pv.storage, "boot/grubenv", 0) == 0);
	CHECK(unlinkat(pv.storage, "boot/grubenv2", 0) == 0);
	tree_folder("boot/grubenv");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "WONTGO", "cannot open boot/grubenv: Is a directory");
	CHECK(unlinkat(pv.storage, "boot/grubenv", AT_REMOVEDIR) == 0);
	CHECK(pv_bootenv_store(pv_storage_at(pv.storage), pv.loader, &env, &err) == 0);
	check_stored(&pv, "7", "", "");
}

/* What the boot environment has to try, once one that is to be tried cannot be noted; the note may have
 * reached the medium all the same. */
static void check_tried_after_a_note_that_failed(bool is_spent, const char *tried)
{
	struct pv pv = running(true, true, false);

	snprintf(pv.env.tried, sizeof(pv.env.tried), "locals/z");
	begin_launch(&pv, "NEW");
	pv.booted_generation = is_spent ? pv.env.generation : pv.env.generation - 1;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	CHECK(pv.jobs.count > 0);
	pv_job_cancel(&pv.jobs, pv.jobs.list[pv.jobs.count - 1].job.argument);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "ERROR", "Internal error: it was cancelled");
	check_stored(&pv, "7", tried, "");
}

static void test_note_that_failed_gives_no_try_again(void)
{
	check_tried_after_a_note_that_failed(true, "");
	/* Noted since this boot: its try is to come. */
	check_tried_after_a_note_that_failed(false, "locals/z");
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
	test_reports();
	test_longest_report_fits();
	test_container_is_stopped_and_started_on_request();
	test_container_is_restarted_on_request();
	test_container_of_the_system_is_not_stopped();
	test_device_ends_once();
	test_tried_revision_is_not_left_halfway();
	test_revision_is_tried_by_a_reboot();
	test_try_that_is_noted_stays_noted();
	test_end_that_came_before_the_note_stays();
	test_collection_and_launch_wait_for_each_other();
	test_factory_revision_is_one_that_was_committed();
	test_revision_that_is_unusable_is_not_tried();
	test_launch_that_is_cut_off_is_recorded();
	test_revision_that_cannot_be_noted_is_not_tried();
	test_note_that_failed_gives_no_try_again();
	return check_done();
}
