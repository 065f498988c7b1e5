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

#define FILE_MODE 0644
#define FOLDER_MODE 0755

int pv_beneath_root(const char *path, struct pv_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? pv_err_errno(err, "cannot open the directory %s", path) : fd;
}

static int open_how(int root, const char *path, int flags, uint64_t resolve)
{
	bool creates = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.mode = creates ? FILE_MODE : 0,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* The kernel takes nothing else beside it. */
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

static int fail(int number, const char *path, struct pv_err *err)
{
	if (number == -ELOOP)
		return pv_err_set(err, "cannot open %.300s: a symbolic link is in the way", path);
	errno = -number;
	return pv_err_errno(err, "cannot open %.300s", path);
}

int pv_beneath_open(int root, const char *path, int flags, struct pv_err *err)
{
	int fd = pv_beneath_try(root, path, flags);

	return fd < 0 ? fail(fd, path, err) : fd;
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

int pv_beneath_read(int root, const char *path, size_t limit, char **text, size_t *length, struct pv_err *err)
{
	cleanup_close int fd = pv_beneath_file(root, path, err);

	return fd < 0 ? -1 : pv_read_fd(fd, path, limit, text, length, err);
}

bool pv_beneath_has(int root, const char *path)
{
	cleanup_close int fd = pv_beneath_try(root, path, O_PATH);

	return fd != -ENOENT && fd != -ENOTDIR;
}

/* One directory below `folder`. */
static int enter(int folder, const char *name, struct pv_err *err)
{
	int fd = pv_beneath_try(folder, name, O_RDONLY | O_DIRECTORY);

	if (fd == -ENOENT) {
		if (mkdirat(folder, name, FOLDER_MODE) < 0 && errno != EEXIST)
			return pv_err_errno(err, "cannot make the directory %.200s", name);
		fd = pv_beneath_try(folder, name, O_RDONLY | O_DIRECTORY);
	}
	if (fd == -ENOTDIR)
		return pv_err_set(err, "%.200s is in the way: it is not a directory", name);
	return fd < 0 ? fail(fd, name, err) : fd;
}

int pv_beneath_mkdirs(int root, const char *path, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(path, strlen(path));
	int folder = pv_beneath_open(root, ".", O_RDONLY | O_DIRECTORY, err);
	char *rest = copy, *name;

	while (folder >= 0 && (name = strsep(&rest, "/"))) {
		int deeper = enter(folder, name, err);

		close(folder);
		if (deeper < 0)
			return strchr(path, '/') ? pv_err_wrap(err, "%.300s", path) : -1;
		folder = deeper;
	}
	return folder;
}

int pv_beneath_parent(int root, const char *path, const char **name, struct pv_err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = slash ? pv_dup(path, (size_t)(slash - path)) : pv_dup(".", 1);

	*name = slash ? slash + 1 : path;
	return pv_beneath_mkdirs(root, parent, err);
}

static bool is_one_file(int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1;
}

int pv_beneath_append(int folder, const char *name, struct pv_err *err)
{
	int fd = pv_beneath_try(folder, name, O_WRONLY | O_CREAT | O_APPEND);

	if (fd >= 0 && is_one_file(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	/* ENXIO: a FIFO or a socket. */
	else if (fd != -ELOOP && fd != -ENXIO)
		return fail(fd, name, err);
	if (unlinkat(folder, name, 0) < 0)
		return pv_err_errno(err, "%.200s is in the way and cannot be removed", name);
	return pv_beneath_open(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, err);
}

/* Without a name until it is whole: whatever interrupts this leaves nothing behind. */
int pv_beneath_write(int root, const char *path, const char *text, size_t length, struct pv_err *err)
{
	const char *name;
	cleanup_close int folder = pv_beneath_parent(root, path, &name, err);
	cleanup_close int fd = folder < 0 ? -1 : pv_beneath_try(folder, ".", O_WRONLY | O_TMPFILE);
	cleanup_free char *link = pv_fmt("/proc/self/fd/%d", fd);

	if (folder < 0)
		return -1;
	if (fd < 0)
		return fail(fd, path, err);
	if (pv_write_all(fd, text, length) < 0 || fsync(fd) < 0 ||
		linkat(AT_FDCWD, link, folder, name, AT_SYMLINK_FOLLOW) < 0 || fsync(folder) < 0)
		return pv_err_errno(err, "cannot write %.300s", path);
	return 0;
}
