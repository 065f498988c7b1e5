/* SPDX-License-Identifier: MIT */
/* Stories of updates without a reboot: "web" is another one in the new revision, "db" the same. */
#include "switch.h"

#include <sys/wait.h>

#include "clock.h"
#include "growth.h"
#include "life.h"
#include "progress.h"
#include "task.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BSP "\"bsp/kernel.img\":\"" A "\",\"bsp/run.json\":{\"linux\":\"kernel.img\"}"
#define GROUPS                                                                                       \
	",\"device.json\":{\"groups\":[{\"name\":\"app\",\"restart_policy\":\"container\",\"status_" \
	"goal\":"                                                                                    \
	"\"STARTED\",\"timeout\":30}]}"
#define APP(c, id, more)                                                                            \
	",\"" c "/lxc.container.conf\":\"" A "\",\"" c "/root.squashfs\":\"" id "\",\"" c           \
	"/run.json\":{\"config\":\"lxc.container.conf\",\"group\":\"app\",\"name\":\"" c "\"," more \
	"\"root-volume\":\"root.squashfs\",\"type\":\"lxc\"}"
#define RETRIES "\"auto_recovery\":{\"policy\":\"on-failure\",\"max_retries\":1,\"retry_delay\":0},"
#define OLD BSP GROUPS APP("db", A, "") APP("web", A, "")
#define NEW BSP GROUPS APP("db", A, "") APP("web", B, RETRIES)
#define MORE BSP GROUPS APP("db", A, "") APP("web", A, "") APP("xtra", A, "")
#define LESS BSP GROUPS APP("db", A, "")
#define DB (MONITOR + 'd' - 'w')
#define XTRA (MONITOR + 1)
#define DELAY (25 * SECOND)

static struct pv_run *make_run(const char *revision, const char *members)
{
	cleanup_free char *text = pv_fmt("{\"#spec\":\"pantavisor-service-system@1\",%s}", members);
	struct pv_run *made = pv_run_new(revision);
	struct pv_err err = {0};

	if (pv_state_parse(&made->state, text, strlen(text), &err) < 0 ||
		pv_state_read_manifests(&made->state, 30, "6.1", &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return made;
}

static struct pv_task *of(const struct pv *pv, const char *name)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (!strcmp(pv->run->tasks[i]->spec->name, name))
			return pv->run->tasks[i];
	return NULL;
}

/* A device whose committed revision 7 runs. */
static void begin(struct pv *pv, const char *members)
{
	struct pv_err err;

	*pv = stored("7", "", PV_STANDING_COMMITTED);
	pv->run = make_run("7", members);
	pv->run->standing = PV_STANDING_COMMITTED;
	pv_run_make_tasks(pv->run);
	begin_jobs(pv);
	tree_folder("trails/7/.pv");
	tree_folder("trails/8/.pv");
	tree_folder("logs");
	tick(pv, 1);
	tick(pv, 2);
	CHECK(pv->run->running && of(pv, "db")->status == PV_STATUS_STARTED);
	tick(pv, 2 + DELAY);
	CHECK(pv_progress_note(pv_storage_at(pv->storage), "8", PV_PROGRESS_INPROGRESS, "", &err) == 0);
}

static void finish(struct pv *pv, const char *committed, const char *tried)
{
	CHECK(pv->change.phase == PV_PHASE_NONE && !pv->change.other);
	check_stored(pv, committed, tried, "");
	pv_log_close_file();
	pv_run_free(pv->run);
}

static void check_progress(const struct pv *pv, const char *status, const char *message)
{
	struct pv_progress progress;
	struct pv_err err;

	CHECK(pv_progress_load(pv->storage, "8", &progress, &err) == 0);
	CHECK_TEXT(pv_progress_name(progress.status), status);
	CHECK_TEXT(progress.message, message);
}

static void check_current(const char *revision)
{
	char target[16] = "";
	cleanup_free char *path = tree_path("trails/current");

	CHECK(readlink(path, target, sizeof(target) - 1) > 0);
	CHECK_TEXT(target, revision);
}

/* The new revision is tested. */
static void go_to(struct pv *pv, const char *members, int64_t now)
{
	pv_switch_begin(pv, make_run("8", members), now);
	CHECK(pv_switch_is_moving(pv));
	tick(pv, now + 1);
	if (of(pv, "web") && of(pv, "web")->status == PV_STATUS_STOPPING)
		pv_supervise_reaped(pv, MONITOR, 0, now + 2);
	for (int i = 0; i < 4; i++)
		tick(pv, now + 3 + i);
	CHECK_TEXT(pv->run->revision, "8");
	CHECK(!pv_switch_is_moving(pv));
}

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
	struct pv_bootenv env = {.revision = "7"};
	struct pv_err err;
	struct pv_task *db;
	struct pv pv;

	begin(&pv, OLD);
	db = of(&pv, "db");
	go_to(&pv, NEW, now);
	CHECK(unlinkat(pv.storage, "boot/grubenv", 0) == 0);
	CHECK(unlinkat(pv.storage, "boot/grubenv2", 0) == 0);
	tree_folder("boot/grubenv");
	tick(&pv, now + 6 + DELAY);
	check_progress(&pv, "ERROR",
		"It cannot be recorded for the boot loader: cannot open boot/grubenv: Is a directory");
	tick(&pv, now + 7 + DELAY);
	CHECK(pv.change.phase == PV_PHASE_RETURNING);
	CHECK(unlinkat(pv.storage, "boot/grubenv", AT_REMOVEDIR) == 0);
	CHECK(pv_bootenv_store(pv_storage_at(pv.storage), pv.loader, &env, &err) == 0);
	check_is_back(&pv, db, now + 8 + DELAY);
	check_progress(&pv, "ERROR",
		"It cannot be recorded for the boot loader: cannot open boot/grubenv: Is a directory");
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
	test_container_that_is_late_leads_back();
	test_container_that_fails_for_good_leads_back();
	test_containers_come_and_go();
	test_stopped_and_failed_containers();
	test_failure_while_it_is_noted_leads_back();
	test_revision_that_cannot_be_noted_is_left();
	test_container_that_never_ends_is_left_by_a_reboot();
	test_way_back_to_the_committed_revision();
	test_two_hundred_updates_gather_nothing();
	return check_done();
}
