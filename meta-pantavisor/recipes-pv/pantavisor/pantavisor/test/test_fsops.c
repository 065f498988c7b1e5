/* SPDX-License-Identifier: MIT */
/* A real ext4 that is frozen by a process that does not live to thaw it. */
#include <sys/ioctl.h>
#include <unistd.h>

static int cut_ioctl(int fd, unsigned long what, int value);

#define ioctl(fd, what, value) cut_ioctl(fd, what, (int)(uintptr_t)(value))
#include "../src/fsops.c"
#undef ioctl

#include <time.h>

#include "world.h"

#define DISK_BYTES (16L * 1024 * 1024)
#define TRIES 500
#define TRY_NS 20000000L

static bool is_cut;

static int cut_ioctl(int fd, unsigned long what, int value)
{
	int done = ioctl(fd, what, value);

	/* As a job ends whose time is over: with its group. */
	if (is_cut && what == FIFREEZE)
		kill(0, SIGKILL);
	return done;
}

static int mount_disk(void)
{
	cleanup_free char *disk = tree_path("disk"), *place = tree_path("place");
	const char *const make[] = {"mkfs.ext4", "-q", "-F", disk, NULL};
	const char *const mount[] = {"mount", "-o", "loop", disk, place, NULL};
	int fd = open(disk, O_CREAT | O_RDWR, 0600);

	CHECK(fd >= 0 && ftruncate(fd, DISK_BYTES) == 0);
	close(fd);
	tree_folder("place");
	world_run(make);
	world_run(mount);
	return open(place, O_RDONLY | O_DIRECTORY);
}

static bool thaws(int root)
{
	const struct timespec pause = {.tv_nsec = TRY_NS};

	for (int i = 0; i < TRIES; i++) {
		/* EBUSY where it is frozen. */
		if (ioctl(root, FIFREEZE, 0) == 0)
			return ioctl(root, FITHAW, 0) == 0;
		nanosleep(&pause, NULL);
	}
	ioctl(root, FITHAW, 0);
	return false;
}

static void test_storage_thaws_whatever_becomes_of_its_freezer(int root)
{
	int status = 0;
	pid_t pid;

	CHECK(freeze_and_thaw(root) == 0 && thaws(root));
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		is_cut = true;
		_exit(freeze_and_thaw(root) == 0 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(thaws(root));
}

static void test_file_system_that_cannot_be_frozen(void)
{
	int root = open("/proc", O_RDONLY | O_DIRECTORY);

	errno = 0;
	CHECK(freeze_and_thaw(root) < 0 && errno == ENOTSUP);
	close(root);
}

int main(void)
{
	int root;

	world_begin();
	root = mount_disk();
	CHECK(root >= 0);
	test_storage_thaws_whatever_becomes_of_its_freezer(root);
	test_file_system_that_cannot_be_frozen();
	close(root);
	return check_done();
}
