/* SPDX-License-Identifier: MIT */
#include "leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

#define DEPTH 16    /* deeper groups are not made by what runs in containers */
#define GROUPS 4096 /* that one call removes; a container may have made any number */
#define PROCS_BYTES (64 * 1024)

/* As lxc.cgroup.dir.* of container.c: the container's own group, and its monitor's. */
static char *path_of(int which, const char *root, const char *container)
{
	return pv_fmt(which ? "%s/lxc.monitor.%s" : "%s/lxc/%s", root, container);
}

/* Kernels before 5.14 have no cgroup.kill: one by one, which a fork may outrun until the next call. */
static void kill_each(const char *group)
{
	cleanup_free char *path = pv_fmt("%s/cgroup.procs", group);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	char *rest, *line;

	if (pv_read_file(path, PROCS_BYTES, &text, &length, &err) < 0)
		return;
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (strtol(line, NULL, 10) > 1)
			kill((pid_t)strtol(line, NULL, 10), SIGKILL);
}

static void kill_group(int which, const char *root, const char *container)
{
	cleanup_free char *group = path_of(which, root, container);
	cleanup_free char *knob = pv_fmt("%s/cgroup.kill", group);
	struct pv_err err;

	if (pv_is_directory(group) && pv_write_knob(knob, "1", &err) < 0)
		kill_each(group);
}

void pv_leftover_kill_payload(const char *root, const char *container)
{
	kill_group(0, root, container);
}

void pv_leftover_kill(const char *root, const char *container)
{
	kill_group(0, root, container);
	kill_group(1, root, container);
}

int pv_leftover_open_events(const char *root, const char *container)
{
	cleanup_free char *group = path_of(0, root, container);
	cleanup_free char *path = pv_fmt("%s/cgroup.events", group);

	return open(path, O_RDONLY | O_CLOEXEC);
}

bool pv_leftover_is_populated(int events)
{
	char text[256] = "";

	/* A group that is gone cannot be read. */
	return pread(events, text, sizeof(text) - 1, 0) > 0 && strstr(text, "populated 1");
}

static int remove_group(int parent, const char *name, int depth, int *left);

static int remove_below(int group, int depth, int *left)
{
	cleanup_dir DIR *folder = fdopendir(group);
	struct dirent *entry;

	if (!folder)
		return -1;
	for (errno = 0; (entry = readdir(folder)); errno = 0)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			remove_group(group, entry->d_name, depth + 1, left) < 0)
			return -1;
	return errno ? -1 : 0;
}

static int remove_group(int parent, const char *name, int depth, int *left)
{
	int fd;

	if (--*left < 0)
		return -1;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	fd = depth < DEPTH ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (fd < 0 || remove_below(fd, depth, left) < 0)
		return -1;
	return unlinkat(parent, name, AT_REMOVEDIR);
}

int pv_leftover_remove(const char *root, const char *container, struct pv_err *err)
{
	for (int i = 0; i < 2; i++) {
		cleanup_free char *group = path_of(i, root, container);
		int left = GROUPS;

		if (remove_group(AT_FDCWD, group, 0, &left) < 0)
			return pv_err_errno(err, "processes are left in %s", group);
	}
	return 0;
}
