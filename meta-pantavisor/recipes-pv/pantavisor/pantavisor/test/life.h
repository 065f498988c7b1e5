/* SPDX-License-Identifier: MIT */
/* A device with one container, whose life is in the test's hands: pv_container_* and pv_shutdown are these.
 */
#ifndef PV_TEST_LIFE_H
#define PV_TEST_LIFE_H

#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "alloc.h"
#include "beneath.h"
#include "check.h"
#include "clock.h"
#include "ending.h"
#include "log.h"
#include "note.h"
#include "prepare.h"
#include "probe.h"
#include "shutdown.h"
#include "supervise.h"
#include "tree.h"
#include "usable.h"

#define SECOND 1000
#define MONITOR 4711
#define INIT 4712

static struct {
	bool can_mount, can_spawn, has_init, has_next_init;
	bool mounts_slowly;   /* the test ends it */
	bool is_killed;	      /* what looks at a revision */
	bool works_slowly;    /* its jobs, which the test waits for */
	const char *unusable; /* revisions of one letter */
	bool is_rotten;	      /* a kernel, since it was verified */
	int64_t spawned_at;   /* 0: soon after its boot */
	int mounts, spawns, unmounts, halts, kills, clears, probes, probe_kills;
	pid_t probe; /* -1: none can begin */
} world;
static jmp_buf end_of_story;

void pv_prepare_mount(struct pv *pv, struct pv_task *task)
{
	(void)pv;
	world.mounts++;
	task->place = world.can_mount ? PV_PLACE_MOUNTED : PV_PLACE_FAILED;
	if (world.mounts_slowly)
		task->place = PV_PLACE_MOUNTING;
}

void pv_prepare_unmount(struct pv *pv, struct pv_task *task)
{
	(void)pv;
	world.unmounts++;
	task->place = world.mounts_slowly ? PV_PLACE_UNMOUNTING : PV_PLACE_NONE;
}

int pv_container_spawn(const struct pv *pv, struct pv_task *task, struct pv_err *err)
{
	(void)pv;
	world.spawns++;
	if (!world.can_spawn)
		return pv_err_set(err, "no process");
	task->monitor = MONITOR + *task->spec->name - 'w';
	task->started_at = world.spawned_at ? world.spawned_at : 1;
	return 0;
}

bool pv_container_find_init(struct pv *pv, struct pv_task *of)
{
	(void)pv;
	if (world.has_init)
		of->init = INIT;
	return world.has_init;
}

bool pv_container_find_next_init(struct pv *pv, struct pv_task *of)
{
	(void)pv;
	if (world.has_next_init)
		of->emptied_at = 0;
	return world.has_next_init;
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

void pv_container_clear(struct pv_task *of)
{
	of->monitor = 0;
	of->init = 0;
	world.clears++;
}

void pv_container_log_errors(const struct pv_task *task)
{
	(void)task;
}

pid_t pv_probe_spawn(const struct pv_task *task, struct pv_err *err)
{
	(void)task;
	world.probes++;
	return world.probe < 0 ? pv_err_set(err, "no process") : world.probe;
}

void pv_probe_kill(pid_t probe)
{
	CHECK(probe == world.probe);
	world.probe_kills++;
}

int pv_usable_check(const struct pv *pv, const char *revision, struct pv_err *err)
{
	(void)pv;
	return world.unusable && strstr(world.unusable, revision) ? pv_err_set(err, "unusable") : 0;
}

int pv_usable_boots(const struct pv *pv, const char *revision, struct pv_err *err)
{
	(void)pv;
	(void)revision;
	if (!world.is_rotten)
		return 0;
	pv_err_set(err, "its kernel is damaged");
	pv_err_hint(err, "send it again");
	return -1;
}

struct pv_verify pv_usable_options(const struct pv *pv, const char *revision)
{
	return (struct pv_verify){.storage = pv->storage, .revision = revision};
}

int pv_usable_open(const struct pv *pv, const char *revision, struct pv_state *state, struct pv_held *held,
	struct pv_err *err)
{
	static const char text[] = "{\"#spec\":\"" PV_STATE_SPEC "\",\"x.json\":{}}";

	if (world.is_killed)
		kill(getpid(), SIGKILL);
	if (pv_usable_check(pv, revision, err) < 0)
		return -1;
	*held = (struct pv_held){0};
	return pv_state_parse(state, text, strlen(text), err);
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
static struct pv_task task, *tasks[] = {&task};
static struct pv_run run;
static struct pv_entry *no_entries[1];

/* One container in one group, ready to run. */
static inline struct pv device(enum pv_standing standing)
{
	struct pv pv = {.run = &run};

	run = (struct pv_run){.revision = (char *)(uintptr_t) "7",
		.standing = standing,
		.tasks = tasks,
		.task_count = 1,
		.state = {.sorted = no_entries,
			.containers = &web,
			.container_count = 1,
			.group_count = 1,
			.groups = {{.name = "app", .timeout_s = 30}}}};
	task = (struct pv_task){.spec = &web};
	memset(&world, 0, sizeof(world));
	world.can_mount = world.can_spawn = world.has_init = true;
	return pv;
}

/* In no device, for these move; and one after another. */
static struct pv_loop jobs_loop = {.signals.fd = -1};

static inline void begin_jobs(struct pv *pv)
{
	if (pv->jobs.timer.data == &pv->jobs && pv->jobs.loop)
		return;
	pv_loop_free(&jobs_loop);
	pv_loop_init(&jobs_loop, NULL, 0);
	pv_jobs_init(&pv->jobs, &jobs_loop);
}

static inline void look_after_jobs(struct pv *pv)
{
	int status;
	pid_t pid;

	pv_loop_wait(&jobs_loop, pv_now_ms() + SECOND);
	/* The child that thaws the storage is not a job. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		pv_jobs_reaped(&pv->jobs, pid, status);
}

static inline void wait_for_jobs(struct pv *pv)
{
	while (pv->jobs.count)
		look_after_jobs(pv);
}

/* A look of PID 1, and the jobs that follow. */
static inline int64_t tick(struct pv *pv, int64_t now)
{
	int64_t next = INT64_MAX;

	begin_jobs(pv);
	pv_supervise_tick(pv, now, &next);
	if (!world.works_slowly)
		wait_for_jobs(pv);
	return next;
}

/* A device with a storage, and a boot environment that says what is committed and tried. */
static inline struct pv stored(const char *committed, const char *tried, enum pv_standing standing)
{
	struct pv pv = device(standing);
	struct pv_err err;

	tree_begin();
	tree_folder("boot");
	pv.storage = pv_beneath_root(tree_root, &err);
	pv.has_storage = true;
	pv_config_init(&pv.config);
	snprintf(pv.env.revision, sizeof(pv.env.revision), "%s", committed);
	snprintf(pv.env.tried, sizeof(pv.env.tried), "%s", tried);
	CHECK(pv_bootenv_store(pv_storage_at(pv.storage), pv.loader, &pv.env, &err) == 0);
	return pv;
}

static inline void check_stored(
	struct pv *pv, const char *committed, const char *tried, const char *previous)
{
	struct pv_bootenv env;

	wait_for_jobs(pv);
	pv_bootenv_load(pv->storage, pv->loader, &env);
	CHECK_TEXT(env.revision, committed);
	CHECK_TEXT(env.tried, tried);
	CHECK_TEXT(env.previous, previous);
	close(pv->storage);
	tree_end();
}

/* Nothing can be noted in it until it is repaired. */
static inline void break_bootenv(const struct pv *pv)
{
	CHECK(unlinkat(pv->storage, "boot/grubenv", 0) == 0);
	CHECK(unlinkat(pv->storage, "boot/grubenv2", 0) == 0);
	tree_folder("boot/grubenv");
}

static inline void repair_bootenv(const struct pv *pv, const char *committed, const char *tried)
{
	struct pv_bootenv env = {.generation = 0};
	struct pv_err err;

	snprintf(env.revision, sizeof(env.revision), "%s", committed);
	snprintf(env.tried, sizeof(env.tried), "%s", tried);
	CHECK(unlinkat(pv->storage, "boot/grubenv", AT_REMOVEDIR) == 0);
	CHECK(pv_bootenv_store(pv_storage_at(pv->storage), pv->loader, &env, &err) == 0);
}

#endif
