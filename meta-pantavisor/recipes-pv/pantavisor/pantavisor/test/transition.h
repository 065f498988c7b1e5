/* SPDX-License-Identifier: MIT */
/* A device that goes from revision 7 to 8 without a reboot: "web" is another one there, "db" the same. */
#ifndef PV_TEST_TRANSITION_H
#define PV_TEST_NEWER_H

#include "life.h"
#include "progress.h"
#include "switch.h"

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

static inline struct pv_run *make_run(const char *revision, const char *members)
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

static inline struct pv_task *of(const struct pv *pv, const char *name)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (!strcmp(pv->run->tasks[i]->spec->name, name))
			return pv->run->tasks[i];
	return NULL;
}

/* A device whose committed revision 7 runs. */
static inline void begin(struct pv *pv, const char *members)
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

static inline void finish(struct pv *pv, const char *committed, const char *tried)
{
	CHECK(pv->change.phase == PV_PHASE_NONE && !pv->change.other);
	check_stored(pv, committed, tried, "");
	pv_log_close_file();
	pv_run_free(pv->run);
}

static inline void check_progress(const struct pv *pv, const char *status, const char *message)
{
	struct pv_progress progress;
	struct pv_err err;

	CHECK(pv_progress_load(pv->storage, "8", &progress, &err) == 0);
	CHECK_TEXT(pv_progress_name(progress.status), status);
	CHECK_TEXT(progress.message, message);
}

static inline void check_current(const char *revision)
{
	char target[16] = "";
	cleanup_free char *path = tree_path("trails/current");

	CHECK(readlink(path, target, sizeof(target) - 1) > 0);
	CHECK_TEXT(target, revision);
}

/* The new revision is tested. */
static inline void go_to(struct pv *pv, const char *members, int64_t now)
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

#endif
