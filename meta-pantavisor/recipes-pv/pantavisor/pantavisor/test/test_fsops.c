/* SPDX-License-Identifier: MIT */
/* A real ext4 that is frozen by a process that does not live to thaw it. */
#include <sys/ioctl.h>
#include <unistd.h>

static int cut_ioctl(int fd, unsigned long what, int value);

#define ioctl(fd, what, value) cut_ioctl(fd, what, (int)(uintptr_t)(value))
#include "../src/fsops.c"
#undef ioctl

#include "ext4.h"

static bool is_cut;

static int cut_ioctl(int fd, unsigned long what, int value)
{
	int done = ioctl(fd, what, value);

	/* As a job ends whose time is over: with its group. */
	if (is_cut && what == FIFREEZE)
		kill(0, SIGKILL);
	return done;
}

static void test_storage_thaws_whatever_becomes_of_its_freezer(int root)
{
	int status = 0;
	pid_t pid;

	CHECK(freeze_and_thaw(root) == 0 && ext4_thaws(root));
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		is_cut = true;
		_exit(freeze_and_thaw(root) == 0 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(ext4_thaws(root));
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
	root = ext4_mount();
	test_storage_thaws_whatever_becomes_of_its_freezer(root);
	test_file_system_that_cannot_be_frozen();
	close(root);
	return check_done();
}
