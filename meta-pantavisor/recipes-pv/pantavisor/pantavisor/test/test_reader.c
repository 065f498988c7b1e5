/* SPDX-License-Identifier: MIT */
/* What the process that reads a stick may still do. */
int pv_usb_main(int argc, char **argv);
#define main pv_usb_main
#include "../pv-sdk/pv-usb.c"
#undef main

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "world.h"

#define OTHER 4711

static bool is_refused(bool is_done)
{
	return !is_done && (errno == EPERM || errno == EACCES);
}

static void be_reader(const char *secret, const char *own)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	int fd;

	drop_rights();
	fd = open(secret, O_RDONLY);
	CHECK(fd >= 0);
	close(fd);
	CHECK(is_refused(open(secret, O_WRONLY) >= 0));
	CHECK(is_refused(chown(own, OTHER, OTHER) == 0));
	CHECK(is_refused(mount("tmpfs", WORLD_ROOT, "tmpfs", 0, NULL) == 0));
	CHECK(is_refused(umount(WORLD_ROOT) == 0));
	CHECK(is_refused(mknod(WORLD_ROOT "/disk", S_IFBLK | 0600, makedev(7, 0)) == 0));
	CHECK(is_refused(unshare(CLONE_NEWNS) == 0));
	CHECK(is_refused(chroot(WORLD_ROOT) == 0));
	CHECK(is_refused(setuid(OTHER) == 0));
	CHECK(is_refused(sethostname("x", 1) == 0));
	CHECK(syscall(SYS_capget, &header, data) == 0);
	CHECK(data[0].effective == 1U << CAP_DAC_READ_SEARCH && data[0].permitted == data[0].effective);
	CHECK(!data[0].inheritable && !data[1].permitted);
	/* What a program would have by its file, or by its user, is not gained either. */
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

int main(void)
{
	cleanup_free char *secret = NULL, *own = NULL;
	int status;
	pid_t pid;

	world_begin();
	secret = tree_path("secret");
	own = tree_path("own");
	tree_file("secret", "of another user");
	tree_file("own", "of root");
	CHECK(chmod(secret, 0600) == 0 && chown(secret, OTHER, OTHER) == 0);
	pid = fork();
	if (!pid) {
		be_reader(secret, own);
		_exit(check_done());
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	return check_done();
}
