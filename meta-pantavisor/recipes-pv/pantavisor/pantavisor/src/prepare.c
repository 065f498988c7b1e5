/* SPDX-License-Identifier: MIT */
#include "prepare.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "file.h"
#include "firstuse.h"
#include "log.h"
#include "lxcconf.h"
#include "lxcfile.h"
#include "rootfs.h"
#include "sources.h"
#include "text.h"
#include "volume.h"

#define UNMOUNT_MS (2 * 60 * 1000)

/* What a job finds out of the conf. */
struct found {
	bool has_apparmor, filters_calls, hides_monitor;
	char halt_signal[PV_HALT_SIGNAL_BYTES];
};

static int read_conf(
	const struct pv *pv, const struct pv_task *task, struct pv_lxcconf *conf, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/%s", task->spec->name, task->spec->lxc_conf);
	cleanup_free char *text = NULL;
	size_t length;

	if (pv_objects_read(pv->storage, &task->run->state, path, PV_LXCCONF_BYTES, &text, &length, err) <
		0)
		return -1;
	return pv_lxcconf_adapt(conf, text, err) < 0 ? pv_err_wrap(err, "%s", task->spec->lxc_conf) : 0;
}

static void note_conf(struct pv_task *task, const struct pv_lxcconf *conf)
{
	snprintf(task->halt_signal, sizeof(task->halt_signal), "%s",
		conf->halt_signal ? conf->halt_signal : "");
	task->has_apparmor = conf->has_apparmor;
	task->hides_monitor = !conf->needs_net && pv_exists("/proc/self/ns/net");
	task->filters_calls = task->spec->is_confined && !conf->has_seccomp;
}

static int mount_with_conf(const struct pv *pv, struct pv_task *task, struct pv_lxcconf *conf,
	const struct pv_firstuse *use, struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *rootfs = pv_lxcfile_rootfs(task);

	note_conf(task, conf);
	if (pv_rootfs_mount(pv, task->run, task->spec, conf, rootfs, mounts, err) < 0 ||
		pv_firstuse_fill(use, task->spec->name, conf, rootfs, err) < 0 ||
		pv_sources_mount(conf, task->spec->name, mounts, err) < 0)
		return -1;
	return pv_lxcfile_write(pv, task, conf, rootfs, mounts, err);
}

static int mount_root(const struct pv *pv, struct pv_task *task, const struct pv_firstuse *use,
	struct pv_mounts *mounts, struct pv_err *err)
{
	struct pv_lxcconf conf;
	int done;

	if (!task->spec->lxc_conf)
		return 0;
	if (read_conf(pv, task, &conf, err) < 0)
		return -1;
	done = mount_with_conf(pv, task, &conf, use, mounts, err);
	pv_lxcconf_free(&conf);
	return done;
}

/* The job's copy of the task; its mounts are everyone's. */
static int mount_all(void *argument, struct pv_job_result *result)
{
	struct pv_task *task = argument;
	struct pv_firstuse use = {.ops = &pv_fsops_real};
	struct pv_mounts mounts = {0};
	struct found found;
	int done = -1;

	if (pv_volume_mount_container(task->pv, task->run, task->spec, &use, &mounts, &result->err) == 0 &&
		mount_root(task->pv, task, &use, &mounts, &result->err) == 0)
		done = pv_firstuse_finish(&use, &result->err);
	pv_firstuse_close(&use);
	found = (struct found){task->has_apparmor, task->filters_calls, task->hides_monitor, ""};
	memcpy(found.halt_signal, task->halt_signal, sizeof(found.halt_signal));
	memcpy(result->bytes, &found, sizeof(found));
	result->length = sizeof(found);
	return done;
}

static void mounted(void *argument, const struct pv_job_result *result)
{
	struct pv_task *task = argument;
	struct found found;

	if (result->done < 0 || result->length != sizeof(found)) {
		task->place = PV_PLACE_FAILED;
		if (!task->pv->end)
			pv_error("container", "container %s cannot be mounted: %s", task->spec->name,
				result->err.text);
		return;
	}
	memcpy(&found, result->bytes, sizeof(found));
	found.halt_signal[sizeof(found.halt_signal) - 1] = '\0';
	memcpy(task->halt_signal, found.halt_signal, sizeof(found.halt_signal));
	task->has_apparmor = found.has_apparmor;
	task->filters_calls = found.filters_calls;
	task->hides_monitor = found.hides_monitor;
	task->place = PV_PLACE_MOUNTED;
	pv_info("container", "container %s MOUNTED", task->spec->name);
}

void pv_prepare_mount(struct pv *pv, struct pv_task *task)
{
	struct pv_job_result none = {.done = -1};
	const struct pv_job job = {.name = "pv-mount",
		.work = mount_all,
		.done = mounted,
		.argument = task,
		.limit_ms = PV_PREPARE_MS};

	task->pv = pv;
	task->place = PV_PLACE_MOUNTING;
	if (pv_job_start(&pv->jobs, &job, &none.err) < 0)
		mounted(task, &none);
}

void pv_prepare_undo(const struct pv_task *task)
{
	pv_mounts_undo_container(task->spec->name);
}

static int unmount_all(void *argument, struct pv_job_result *result)
{
	(void)result;
	pv_prepare_undo(argument);
	return 0;
}

static void unmounted(void *argument, const struct pv_job_result *result)
{
	struct pv_task *task = argument;

	if (result->done < 0 && !task->pv->end)
		pv_error("container", "container %s is not unmounted: %s", task->spec->name,
			result->err.text);
	task->place = PV_PLACE_NONE;
}

void pv_prepare_unmount(struct pv *pv, struct pv_task *task)
{
	struct pv_job_result none = {.done = -1};
	const struct pv_job job = {.name = "pv-unmount",
		.work = unmount_all,
		.done = unmounted,
		.argument = task,
		.limit_ms = UNMOUNT_MS};

	task->pv = pv;
	task->place = PV_PLACE_UNMOUNTING;
	if (pv_job_start(&pv->jobs, &job, &none.err) < 0)
		unmounted(task, &none);
}
