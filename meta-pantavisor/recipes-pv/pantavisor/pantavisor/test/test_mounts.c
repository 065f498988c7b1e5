/* SPDX-License-Identifier: MIT */
/* What is mounted below a container's places, by itself as well: undone, however much it is. */
#include "mounts.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "file.h"
#include "log.h"

#define WEB "/run/pantavisor/lxc/web"
#define NEIGHBOUR "/run/pantavisor/lxc/web-2"
#define MOUNTS 1000
/* A list that is longer than the memory of a small device should be asked for. */
#define PILE "/run/pile"
#define PILE_MOUNTS 16000

static size_t count_below(const char *place)
{
	FILE *list = fopen("/proc/self/mountinfo", "re");
	char line[8192];
	size_t count = 0, length = strlen(place);

	CHECK(list != NULL);
	while (fgets(line, sizeof(line), list)) {
		const char *at = strstr(line, place);

		count += at && (at[length] == '/' || at[length] == ' ');
	}
	fclose(list);
	return count;
}

static void mount_on(const char *place)
{
	struct pv_err err;

	CHECK(pv_mkdirs(place, 0755, &err) == 0);
	CHECK(mount("/", place, NULL, MS_BIND, NULL) == 0);
}

/* In a namespace of its own, from which mounts come here. */
static void mount_many(const char *place)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (unshare(CLONE_NEWNS) < 0)
			_exit(1);
		for (int i = 0; i < MOUNTS; i++)
			if (mount("/", place, NULL, MS_BIND, NULL) < 0)
				_exit(1);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void test_all_mounts_of_a_container_are_undone(void)
{
	mount_on(WEB "/rootfs");
	mount_on(WEB "/upper");
	mount_on(NEIGHBOUR "/rootfs");
	CHECK(count_below(WEB) == 2);
	mount_many(WEB "/upper");
	CHECK(count_below(WEB) == 2 + MOUNTS);
	pv_mounts_undo_container("web");
	CHECK(count_below(WEB) == 0);
	CHECK(count_below(NEIGHBOUR) == 1);
	pv_mounts_undo_container("web-2");
	CHECK(count_below(NEIGHBOUR) == 0);
}

/* However many there are. */
static void test_others_mounts_keep_no_container_from_being_undone(void)
{
	char place[256];

	for (int i = 0; i < PILE_MOUNTS; i++) {
		snprintf(place, sizeof(place), PILE "/%0200d", i);
		mount_on(place);
	}
	mount_on(WEB "/rootfs");
	pv_mounts_undo_container("web");
	CHECK(count_below(WEB) == 0 && count_below(PILE) == PILE_MOUNTS);
}

int main(void)
{
	pv_log_set_level(-1);
	if (unshare(CLONE_NEWNS) < 0) {
		puts("skipped: run as root, for what mounts");
		return 77;
	}
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
	CHECK(mount(NULL, "/run", NULL, MS_SHARED, NULL) == 0);
	test_all_mounts_of_a_container_are_undone();
	test_others_mounts_keep_no_container_from_being_undone();
	return check_done();
}
