/* SPDX-License-Identifier: MIT */
/*
 * A device's file systems for a test: a mount namespace of its own and an empty root, with the host's /proc
 * and /dev. Real mounts, real loop devices, the real kernel; so it takes root. Without that the test is
 * skipped and says so.
 */
#ifndef PV_TEST_WORLD_H
#define PV_TEST_WORLD_H

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "alloc.h"
#include "text.h"
#include "tree.h"

#define WORLD_SKIPPED 77 /* as meson has it */
#define WORLD_ROOT "/tmp"

static inline void world_need(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "skipped: %s: %s; this test mounts, run it as root\n", what, strerror(errno));
	exit(WORLD_SKIPPED);
}

/* First: the tree is in memory, and gone with the process. */
static inline void world_begin(void)
{
	world_need(unshare(CLONE_NEWNS) == 0, "a mount namespace");
	world_need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
	world_need(mount("tmpfs", WORLD_ROOT, "tmpfs", 0, "mode=0755") == 0, "a tmpfs");
	umask(022);
	strcpy(tree_root, WORLD_ROOT);
}

static inline void world_bind(const char *path)
{
	cleanup_free char *target = tree_path(path + 1);

	tree_folder(path + 1);
	CHECK(mount(path, target, NULL, MS_BIND | MS_REC, NULL) == 0);
}

/* Then, once what needs the host's programs is made: the tree is the root. */
static inline void world_enter(void)
{
	world_bind("/proc");
	world_bind("/dev");
	world_need(chroot(tree_root) == 0 && chdir("/") == 0, "a root of its own");
	*tree_root = '\0';
	tree_folder("run");
	tree_folder("volumes");
}

/* A program of the host, which must succeed. */
static inline void world_run(const char *const argv[])
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		char *words[16] = {NULL};

		for (size_t i = 0; argv[i] && i < PV_COUNT(words) - 1; i++)
			words[i] = pv_dup(argv[i], strlen(argv[i]));
		execvp(words[0], words);
		fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
		_exit(127);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

#endif
