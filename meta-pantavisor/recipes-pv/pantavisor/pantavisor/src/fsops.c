/* SPDX-License-Identifier: MIT */
#include "fsops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0644
/* Linux 5.14; the header of the kernel does not show it to programs. */
#define EXT4_CHECKPOINT _IOW('f', 43, uint32_t)

/* Below a folder that others may have written, a path could lead through a link. */
static int refuse_path(const char *name)
{
	if (*name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, ".."))
		return 0;
	errno = EINVAL;
	return -1;
}

static int create(int folder, const char *name, int flags)
{
	/* O_NONBLOCK: not even a FIFO that has the name is waited for. */
	return refuse_path(name) < 0
		       ? -1
		       : openat(folder, name,
				 flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				 FILE_MODE);
}

static int unnamed(int folder)
{
	return openat(folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, FILE_MODE);
}

static int link_file(int file, int folder, const char *name)
{
	char source[32];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", file);
	return refuse_path(name) < 0 ? -1 : linkat(AT_FDCWD, source, folder, name, AT_SYMLINK_FOLLOW);
}

static int move(int folder, const char *from, int into, const char *to)
{
	return refuse_path(from) < 0 || refuse_path(to) < 0 ? -1 : renameat(folder, from, into, to);
}

static int rename_within(int folder, const char *from, const char *to)
{
	return move(folder, from, folder, to);
}

static int exchange(int folder, const char *one, const char *other)
{
	if (refuse_path(one) < 0 || refuse_path(other) < 0)
		return -1;
	return renameat2(folder, one, folder, other, RENAME_EXCHANGE);
}

static int unlink_file(int folder, const char *name)
{
	return refuse_path(name) < 0 ? -1 : unlinkat(folder, name, 0);
}

static int make_folder(int folder, const char *name, mode_t mode)
{
	return refuse_path(name) < 0 ? -1 : mkdirat(folder, name, mode);
}

static int remove_folder(int folder, const char *name)
{
	return refuse_path(name) < 0 ? -1 : unlinkat(folder, name, AT_REMOVEDIR);
}

static int make_symlink(const char *target, int folder, const char *name)
{
	return refuse_path(name) < 0 ? -1 : symlinkat(target, folder, name);
}

static int make_node(int folder, const char *name, mode_t mode, dev_t device)
{
	return refuse_path(name) < 0 ? -1 : mknodat(folder, name, mode, device);
}

static int sync_data(int fd, enum pv_barrier why)
{
	(void)why;
	return fdatasync(fd);
}

static int sync_file(int fd, enum pv_barrier why)
{
	(void)why;
	return fsync(fd);
}

static int sync_all(int fd, enum pv_barrier why)
{
	(void)why;
	return syncfs(fd);
}

/* Kernels before 5.14: freezing brings every block home. Nothing of ours comes between the two calls. */
static int freeze_and_thaw(int root)
{
	if (ioctl(root, FIFREEZE, 0) == 0)
		return ioctl(root, FITHAW, 0);
	/* Another one froze it, and will thaw it: it was brought home then. */
	if (errno == EBUSY)
		return 0;
	if (errno == ENOTTY || errno == EOPNOTSUPP || errno == EPERM)
		errno = ENOTSUP;
	return -1;
}

static int checkpoint(int root, enum pv_barrier why)
{
	uint32_t flags = 0;

	(void)why;
	/* What is not allocated yet is in no journal. */
	if (syncfs(root) < 0)
		return -1;
	/* Without a journal everything is at its place by now. */
	if (ioctl(root, EXT4_CHECKPOINT, &flags) == 0 || errno == ENODEV)
		return 0;
	return errno == ENOTTY || errno == EOPNOTSUPP || errno == EPERM ? freeze_and_thaw(root) : -1;
}

const struct pv_fsops pv_fsops_real = {
	.create = create,
	.unnamed = unnamed,
	.write = write,
	.write_at = pwrite,
	.link = link_file,
	.rename = rename_within,
	.move = move,
	.exchange = exchange,
	.unlink = unlink_file,
	.mkdir = make_folder,
	.rmdir = remove_folder,
	.symlink = make_symlink,
	.mknod = make_node,
	.sync_data = sync_data,
	.sync = sync_file,
	.sync_all = sync_all,
	.checkpoint = checkpoint,
};
