/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "text.h"

int pv_read_fd(int fd, const char *name, size_t limit, char **text, size_t *length, struct pv_err *err)
{
	cleanup_free char *buffer = NULL;
	struct stat info;
	size_t used = 0, room = 0;

	if (fstat(fd, &info) < 0)
		return pv_err_errno(err, "cannot read %s", name);
	if (!S_ISREG(info.st_mode))
		return pv_err_set(err, "cannot read %s: it is not a regular file", name);
	for (;;) {
		ssize_t got;

		if (used == room) {
			/* Files of procfs report a size of 0: grow by reading. */
			if (room)
				room *= 2;
			else
				room = (size_t)info.st_size < limit ? (size_t)info.st_size + 4096
								    : limit + 1;
			buffer = pv_resize(buffer, room + 1, 1);
		}
		got = read(fd, buffer + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pv_err_errno(err, "cannot read %s", name);
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > limit)
			return pv_err_set(err, "%s has more than %zu bytes", name, limit);
	}
	buffer[used] = '\0';
	*length = used;
	*text = buffer;
	buffer = NULL;
	return 0;
}

int pv_read_file(const char *path, size_t limit, char **text, size_t *length, struct pv_err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return pv_err_errno(err, "cannot read %s", path);
	return pv_read_fd(fd, path, limit, text, length, err);
}

int pv_write_all_by(pv_writer *writer, int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t put = writer(fd, at, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		length -= (size_t)put;
	}
	return 0;
}

int pv_write_all(int fd, const void *bytes, size_t length)
{
	return pv_write_all_by(write, fd, bytes, length);
}

int pv_write_knob(const char *path, const char *text, struct pv_err *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pv_write_all(fd, text, strlen(text)) < 0)
		return pv_err_errno(err, "cannot write \"%s\" to %s", text, path);
	return 0;
}

static int write_beside(const char *beside, const char *text, size_t length, struct pv_err *err)
{
	cleanup_close int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || pv_write_all(fd, text, length) < 0 || fsync(fd) < 0)
		return pv_err_errno(err, "cannot write %s", beside);
	return 0;
}

int pv_write_file(const char *path, const char *text, size_t length, struct pv_err *err)
{
	cleanup_free char *beside = pv_fmt("%s.pv-beside", path);

	if (write_beside(beside, text, length, err) < 0) {
		unlink(beside);
		return -1;
	}
	if (rename(beside, path) < 0) {
		pv_err_errno(err, "cannot rename %s", beside);
		unlink(beside);
		return -1;
	}
	return 0;
}

void pv_close_range(unsigned first, unsigned last)
{
	(void)syscall(SYS_close_range, first, last, 0);
}

int pv_mkdirs(const char *path, mode_t mode, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(path, strlen(path));

	for (char *slash = copy + 1;; slash++) {
		char kept = *slash;

		if (kept != '/' && kept != '\0')
			continue;
		*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return pv_err_errno(err, "cannot make the directory %s", copy);
		*slash = kept;
		if (!kept)
			break;
	}
	if (!pv_is_directory(path))
		return pv_err_set(err, "%s is in the way: it is not a directory", path);
	return 0;
}

bool pv_exists(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

bool pv_is_directory(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}
