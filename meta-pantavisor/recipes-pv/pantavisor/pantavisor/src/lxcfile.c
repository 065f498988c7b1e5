/* SPDX-License-Identifier: MIT */
#include "lxcfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "alloc.h"
#include "durable.h"
#include "file.h"
#include "log.h"
#include "monitor.h"
#include "pidsmax.h"
#include "seccomp.h"
#include "text.h"

#define CONSOLE_LOG "console.log"

char *pv_lxcfile_log(const struct pv_task *task)
{
	return pv_fmt(PV_RUN_DIR "/lxc-logs/%s.log", task->spec->name);
}

char *pv_lxcfile_console(const struct pv_task *task)
{
	return pv_fmt("logs/%s/%s/" CONSOLE_LOG, task->home, task->spec->name);
}

char *pv_lxcfile_rootfs(const struct pv_task *task)
{
	return pv_fmt(PV_RUN_DIR "/rootfs/%s", task->spec->name);
}

char *pv_lxcfile_path(const struct pv_task *task)
{
	return pv_fmt(PV_LXC_DIR "/%s/config", task->spec->name);
}

/* Where /lib is a link to usr/lib, LXC does not follow it. */
static void add_module_binds(FILE *to, const char *rootfs, const char *release)
{
	cleanup_free char *lib = pv_fmt("%s/lib", rootfs);
	struct stat info;
	const char *prefix = lstat(lib, &info) == 0 && S_ISLNK(info.st_mode) ? "usr/lib" : "lib";

	fprintf(to,
		"lxc.mount.entry = /lib/modules/%s %s/modules/%s none bind,ro,optional,create=dir 0 0\n",
		release, prefix, release);
	fprintf(to, "lxc.mount.entry = /lib/firmware %s/firmware none bind,ro,optional,create=dir 0 0\n",
		prefix);
}

/* Optional: where nothing can be made in the root, the container runs without. Who may what there, PID 1
 * asks the kernel, so the socket is the same for all. */
static void add_control_socket(FILE *to)
{
	fprintf(to, "lxc.mount.entry = " PV_CTRL_SOCKET
		    " pantavisor/pv-ctrl none bind,ro,nosuid,nodev,noexec,optional,create=file 0 0\n");
}

/* What the factory wrote about this unit, where it did. */
static void add_unit(FILE *to)
{
	if (pv_exists(PV_UNIT_SHOWN))
		fprintf(to, "lxc.mount.entry = " PV_UNIT_SHOWN " pantavisor/unit.json none "
			    "bind,ro,nosuid,nodev,noexec,optional,create=file 0 0\n");
}

/* Of equal settings the last counts, which is the container's own. */
static void add_limit(FILE *to)
{
	long limit = pv_pidsmax_each(PV_CGROUP_DIR);

	if (limit)
		fprintf(to, "lxc.cgroup2.pids.max = %ld\n", limit);
}

static void add_lines(FILE *to, const struct pv *pv, const struct pv_task *task,
	const struct pv_lxcconf *conf, const char *rootfs, bool has_log)
{
	cleanup_free char *lxc_log = pv_lxcfile_log(task);
	const char *name = task->spec->name;

	/* As docker run does. Of equal variables the last counts, which is the container's own. */
	if (!conf->has_uts_name)
		fprintf(to, "lxc.uts.name = %s\nlxc.environment = HOSTNAME=%s\n", name, name);
	add_limit(to);
	fputs(conf->text, to);
	fprintf(to, "lxc.rootfs.path = dir:%s\n", rootfs);
	fprintf(to, "lxc.rootfs.mount = " PV_RUN_DIR "/lxc-root\n");
	if (has_log) {
		fprintf(to, "lxc.console.logfile = " PV_RUN_DIR "/logs/%s/" CONSOLE_LOG "\n", name);
		fprintf(to, "lxc.console.size = " PV_CONSOLE_LOG_BYTES "\nlxc.console.rotate = 1\n");
	}
	fprintf(to, "lxc.log.file = %s\nlxc.log.level = %d\n", lxc_log,
		pv_config_number(&pv->config, PV_LXC_LOG_LEVEL));
	fprintf(to, "lxc.cgroup.dir.monitor = lxc.monitor.%s\nlxc.cgroup.dir.container = lxc/%s\n", name,
		name);
	if (conf->keeps_net)
		fputs(task->hides_monitor ? "lxc.namespace.share.net = 1\n" : "lxc.namespace.keep = net\n",
			to);
	if (task->filters_calls)
		fprintf(to, "lxc.seccomp.profile = " PV_LXC_DIR "/%s/seccomp\n", name);
	if (task->spec->automodfw)
		add_module_binds(to, rootfs, pv->release);
	add_control_socket(to);
	add_unit(to);
}

static int write_filter(const char *folder, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/seccomp", folder);

	return pv_write_file(path, pv_seccomp_policy, strlen(pv_seccomp_policy), err);
}

/* LXC opens the console's log by its path. That is below a mount of this one directory, in which no link
 * leads elsewhere; and a container starts without a log as well. */
static bool mount_logs(const struct pv *pv, const struct pv_task *task, struct pv_mounts *mounts)
{
	cleanup_free char *path = pv_fmt("logs/%s/%s", task->run->revision, task->spec->name);
	cleanup_free char *target = pv_fmt(PV_RUN_DIR "/logs/%s", task->spec->name);
	struct pv_err err;
	cleanup_close int folder = pv_durable_mkdirs(pv_storage_at(pv->storage), path, &err);
	cleanup_close int log =
		folder < 0 ? -1 : pv_durable_append(pv_storage_at(folder), CONSOLE_LOG, &err);

	if (log >= 0 && pv_mount_bind(mounts, folder, target,
				MS_NOSUID | MS_NODEV | MS_NOEXEC | PV_MS_NOSYMFOLLOW, &err) == 0)
		return true;
	pv_warn("container", "%s: its console is not logged: %s", task->spec->name, err.text);
	return false;
}

int pv_lxcfile_write(const struct pv *pv, const struct pv_task *task, const struct pv_lxcconf *conf,
	const char *rootfs, struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *path = pv_lxcfile_path(task);
	cleanup_free char *folder = pv_fmt(PV_LXC_DIR "/%s", task->spec->name);
	cleanup_free char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return pv_err_errno(err, "no memory");
	add_lines(to, pv, task, conf, rootfs, conf->has_console && mount_logs(pv, task, mounts));
	if (pv_close_text(to, err) < 0)
		return -1;
	if (pv_mkdirs(folder, 0755, err) < 0 || pv_mkdirs(PV_RUN_DIR "/lxc-logs", 0755, err) < 0 ||
		pv_mkdirs(PV_RUN_DIR "/lxc-root", 0755, err) < 0 ||
		(task->filters_calls && write_filter(folder, err) < 0))
		return -1;
	return pv_write_file(path, text, length, err);
}
