/* SPDX-License-Identifier: MIT */
/* A container is mounted and unmounted by real jobs on the real kernel, while a loop goes on. */
#include "prepare.h"

#include "clock.h"
#include "lxcfile.h"
#include "web.h"

#define DATA "/volumes/web/docker--data"
#define PERM "/storage/disks/perm/web/docker--data"

static const char conf[] =
	"lxc.rootfs.path = overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper\n"
	"lxc.console.path = none\nlxc.signal.halt = SIGUSR1\n"
	"lxc.mount.entry = /volumes/web/docker--data data none bind,rw,create=dir 0 0\n";

static struct pv pv;
static int turns;

/* Turns until the place is another one. */
static void wait_while(struct pv_task *task, enum pv_place place)
{
	int status;
	pid_t pid;

	for (turns = 0; task->place == place; turns++) {
		pv_loop_wait(&pv.loop, pv_now_ms() + 20);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			CHECK(pv_jobs_reaped(&pv.jobs, pid, status));
	}
}

/* The state of web.h, with a configuration of ours as the text of the object that it names. */
static void begin(void)
{
	boot(&pv, "permanent");
	pv_loop_init(&pv.loop, NULL, 0);
	pv_jobs_init(&pv.jobs, &pv.loop);
	pv_config_init(&pv.config);
	pv_run_make_tasks(pv.run);
}

static void finish(void)
{
	struct pv_mounts none = {0};

	pv_loop_free(&pv.loop);
	end(&pv, &none);
}

static void test_job_mounts_and_unmounts(void)
{
	struct pv_task *task;

	begin();
	task = pv.run->tasks[0];
	pv_prepare_mount(&pv, task);
	CHECK(task->place == PV_PLACE_MOUNTING);
	wait_while(task, PV_PLACE_MOUNTING);
	CHECK(task->place == PV_PLACE_MOUNTED && turns > 0);
	CHECK_TEXT(task->halt_signal, "SIGUSR1");
	CHECK(pv_exists(DATA "/content") && pv_exists(PERM "/content") && pv_exists(ROOT "/etc/hostname"));
	pv_prepare_unmount(&pv, task);
	wait_while(task, PV_PLACE_UNMOUNTING);
	CHECK(task->place == PV_PLACE_NONE);
	CHECK(!pv_exists(DATA "/content") && pv_exists(PERM "/content") &&
		!pv_exists(ROOT "/etc/hostname"));
	finish();
}

/* Killed in the middle: what it mounted is undone, and the volume begins anew. */
static void test_job_that_is_cancelled_leaves_nothing(void)
{
	struct pv_task *task;

	begin();
	task = pv.run->tasks[0];
	pv_prepare_mount(&pv, task);
	pv_loop_wait(&pv.loop, pv_now_ms());
	CHECK(pv.jobs.count == 1 && pv.jobs.list[0].pid > 0);
	/* With some of its mounts made. */
	while (!pv_exists(DATA) && task->place == PV_PLACE_MOUNTING)
		usleep(100);
	pv.end = PV_END_REBOOT;
	pv_job_cancel(&pv.jobs, task);
	wait_while(task, PV_PLACE_MOUNTING);
	CHECK(task->place == PV_PLACE_FAILED);
	pv_prepare_unmount(&pv, task);
	wait_while(task, PV_PLACE_UNMOUNTING);
	CHECK(umount(DATA) < 0 && umount("/volumes/web/root.squashfs") < 0 && umount(ROOT) < 0);
	CHECK(!pv_exists(PERM));
	pv.end = PV_END_NONE;
	pv_prepare_mount(&pv, task);
	wait_while(task, PV_PLACE_MOUNTING);
	CHECK(task->place == PV_PLACE_MOUNTED && pv_exists(DATA "/content") && !pv_exists(PERM "#new"));
	pv_prepare_undo(task);
	finish();
}

int main(void)
{
	world_begin();
	make_image();
	world_enter();
	pv_log_set_level(PV_LOG_ERROR);
	conf_text = conf;
	test_job_mounts_and_unmounts();
	test_job_that_is_cancelled_leaves_nothing();
	return check_done();
}
