/* SPDX-License-Identifier: MIT */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

int pv_beneath_root(const char *path, struct pv_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? pv_err_errno(err, "cannot open the directory %s", path) : fd;
}

static int open_how(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* Nothing is made here: fsops is the door for that. */
	if (flags & (O_CREAT | O_TRUNC) || (flags & O_TMPFILE) == O_TMPFILE)
		return -EINVAL;
	/* The kernel takes no other flag with it. */
	if (!(flags & O_PATH))
		how.flags |= O_NONBLOCK | O_NOCTTY;
	/* EAGAIN: something was renamed while it looked. */
	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

int pv_beneath_try(int root, const char *path, int flags)
{
	return open_how(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int pv_beneath_in_root(int root, const char *path, int flags)
{
	return open_how(root, path, flags, RESOLVE_IN_ROOT);
}

int pv_beneath_fail(int number, const char *path, struct pv_err *err)
{
	if (number == -ELOOP)
		return pv_err_set(err, "cannot open %.300s: a symbolic link is in the way", path);
	errno = -number;
	return pv_err_errno(err, "cannot open %.300s", path);
}

int pv_beneath_open(int root, const char *path, int flags, struct pv_err *err)
{
	int fd = pv_beneath_try(root, path, flags);

	return fd < 0 ? pv_beneath_fail(fd, path, err) : fd;
}

int pv_beneath_file(int root, const char *path, struct pv_err *err)
{
	int fd = pv_beneath_open(root, path, O_RDONLY, err);
	struct stat info;

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		return fd;
	close(fd);
	return pv_err_set(err, "%.300s is not a regular file", path);
}

int pv_beneath_read(
	int root, const char *path, size_t limit, char **text, size_t *length, struct pv_err *err)
{
	cleanup_close int fd = pv_beneath_file(root, path, err);

	return fd < 0 ? -1 : pv_read_fd(fd, path, limit, text, length, err);
}

bool pv_beneath_has(int root, const char *path)
{
	cleanup_close int fd = pv_beneath_try(root, path, O_PATH);

	return fd != -ENOENT && fd != -ENOTDIR;
}
