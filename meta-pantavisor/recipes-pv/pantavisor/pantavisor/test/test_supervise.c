/* SPDX-License-Identifier: MIT */
/* Stories of containers, with their life in this file's hands: pv_container_* and pv_shutdown are ours. */
#include "supervise.h"

#include <setjmp.h>

#include "alloc.h"
#include "beneath.h"
#include "check.h"
#include "ending.h"
#include "log.h"
#include "shutdown.h"
#include "tree.h"

#define SECOND 1000
#define MONITOR 4711

static struct {
	bool can_mount, can_spawn, has_init;
	int mounts, spawns, unmounts, halts, kills, clears;
} world;
static jmp_buf end_of_story;

int pv_container_mount(const struct pv *pv, struct pv_task *task, struct pv_err *err)
{
	(void)pv;
	world.mounts++;
	task->is_mounted = true;
	return world.can_mount ? 0 : pv_err_set(err, "no room");
}

void pv_container_unmount(struct pv_task *task)
{
	world.unmounts++;
	task->is_mounted = false;
}

int pv_container_spawn(const struct pv *pv, struct pv_task *task, struct pv_err *err)
{
	(void)pv;
	world.spawns++;
	if (!world.can_spawn)
		return pv_err_set(err, "no process");
	task->monitor = MONITOR;
	task->started_at = 1;
	return 0;
}

bool pv_container_find_init(struct pv_task *task)
{
	(void)task;
	return world.has_init;
}

void pv_container_halt(const struct pv_task *task)
{
	(void)task;
	world.halts++;
}

void pv_container_kill(const struct pv_task *task)
{
	(void)task;
	world.kills++;
}

void pv_container_clear(const struct pv_task *of)
{
	(void)of;
	world.clears++;
}

void pv_container_log_errors(const struct pv_task *task)
{
	(void)task;
}

void pv_shutdown(struct pv *pv)
{
	(void)pv;
	longjmp(end_of_story, 1);
}

static struct pv_container web = {.name = "web",
	.lxc_conf = "lxc.container.conf",
	.goal = PV_GOAL_STARTED,
	.recovery = {.given = true, .mode = PV_RECOVER_ALWAYS, .backoff_factor = 1}};
static struct pv_task task;

/* One container in one group, ready to run. */
static struct pv device(enum pv_standing standing)
{
	struct pv pv = {.revision = (char *)(uintptr_t) "7",
		.standing = standing,
		.tasks = &task,
		.task_count = 1,
		.state = {.containers = &web,
			.container_count = 1,
			.group_count = 1,
			.groups = {{.name = "app", .timeout_s = 30}}}};

	task = (struct pv_task){.spec = &web};
	memset(&world, 0, sizeof(world));
	world.can_mount = world.can_spawn = world.has_init = true;
	return pv;
}

static int64_t tick(struct pv *pv, int64_t now)
{
	int64_t next = INT64_MAX;

	pv_supervise_tick(pv, now, &next);
	return next;
}

/* A bsp volume that did not mount leaves a state with containers, and nothing that runs them. */
static void test_revision_that_did_not_boot_is_left_alone(void)
{
	struct pv pv = device(PV_STANDING_COMMITTED);
	int64_t next = INT64_MAX;

	pv.tasks = NULL;
	pv.task_count = 0;
	CHECK(tick(&pv, 1) == INT64_MAX && !pv.running && !world.mounts);
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
	CHECK(task.status == PV_STATUS_STARTING && world.spawns == 1 && !pv.running);
	tick(&pv, 2);
	CHECK(task.status == PV_STATUS_STARTED && pv.running);
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

/* A device with a storage, and a boot environment that says what is committed and tried. */
static struct pv stored(const char *committed, const char *tried, enum pv_standing standing)
{
	struct pv pv = device(standing);
	struct pv_err err;

	tree_begin();
	tree_folder("boot");
	pv.storage = pv_beneath_root(tree_root, &err);
	pv_config_init(&pv.config);
	snprintf(pv.env.revision, sizeof(pv.env.revision), "%s", committed);
	snprintf(pv.env.tried, sizeof(pv.env.tried), "%s", tried);
	CHECK(pv_bootenv_store(pv.storage, pv.loader, &pv.env, &err) == 0);
	return pv;
}

static void check_stored(struct pv *pv, const char *committed, const char *tried, const char *previous)
{
	struct pv_bootenv env;

	pv_bootenv_load(pv->storage, pv->loader, &env);
	CHECK_TEXT(env.revision, committed);
	CHECK_TEXT(env.tried, tried);
	CHECK_TEXT(env.previous, previous);
	close(pv->storage);
	tree_end();
}

static void test_tried_revision_is_committed_once_it_was_stable(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);

	tick(&pv, 1);
	CHECK(tick(&pv, 2) == 2 + 25 * SECOND && pv.running);
	CHECK(pv.env.tried[0]);
	tick(&pv, 2 + 25 * SECOND);
	CHECK(pv.standing == PV_STANDING_COMMITTED && !pv.stable_at && !pv.end);
	check_stored(&pv, "7", "", "3");
}

static void test_tried_revision_that_keeps_failing_goes_back(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	int64_t stable;

	tick(&pv, 1);
	tick(&pv, 2);
	stable = pv.stable_at;
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
	CHECK(pv.running && pv.env.generation == 1);
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

/* However long a try is to last: a device that is used for a minute a day is no broken one. */
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
	CHECK(pv.running);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 10 * SECOND);
	tick(&pv, 10 * SECOND);
	tick(&pv, 50 * SECOND);
	CHECK(!pv.end && task.status == PV_STATUS_STARTED);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 60 * SECOND);
	CHECK(pv.end == PV_END_REBOOT && pv.env.generation == 1);
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
	CHECK(pv.standing == PV_STANDING_TRIED && pv.env.tried[0]);
	tick(&pv, last + 26 * SECOND);
	CHECK(pv.standing == PV_STANDING_COMMITTED && !pv.end);
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
		CHECK(pv.running && pv.groups_late == 1 && !pv.end && pv.env.generation == 1);
		tick(&pv, 400 * SECOND);
		CHECK(!pv.end && !pv.stable_at && pv.env.generation == 2);
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
	stable = pv.stable_at;
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
	test_tried_revision_is_committed_once_it_was_stable();
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
	pv_log_set_level(-1);
	test_revision_that_did_not_boot_is_left_alone();
	test_container_starts_and_the_revision_runs();
	test_container_that_hangs_before_its_init_is_looked_at_less_often();
	test_crash_loop_slows_down();
	test_container_that_cannot_be_mounted_or_spawned_is_tried_again();
	test_end_asks_then_kills_then_goes_on_without();
	test_tried_revision_that_loses_a_system_container_goes_back();
	return check_done();
}
