/* SPDX-License-Identifier: MIT */
#include "durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "file.h"
#include "text.h"

#define FOLDER_MODE 0755

static struct pv_storage below(struct pv_storage at, int folder)
{
	return (struct pv_storage){folder, at.ops};
}

/* One directory below `folder`. */
static int enter(struct pv_storage folder, const char *name, struct pv_err *err)
{
	int fd = pv_beneath_try(folder.root, name, O_RDONLY | O_DIRECTORY);

	if (fd == -ENOENT) {
		if (folder.ops->mkdir(folder.root, name, FOLDER_MODE) < 0 && errno != EEXIST)
			return pv_err_errno(err, "cannot make the directory %.200s", name);
		fd = pv_beneath_try(folder.root, name, O_RDONLY | O_DIRECTORY);
	}
	if (fd == -ENOTDIR)
		return pv_err_set(err, "%.200s is in the way: it is not a directory", name);
	return fd < 0 ? pv_beneath_fail(fd, name, err) : fd;
}

int pv_durable_mkdirs(struct pv_storage at, const char *path, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(path, strlen(path));
	int folder = pv_beneath_open(at.root, ".", O_RDONLY | O_DIRECTORY, err);
	char *rest = copy, *name;

	while (folder >= 0 && (name = strsep(&rest, "/"))) {
		int deeper = strcmp(name, ".") ? enter(below(at, folder), name, err)
					       : pv_beneath_open(folder, ".", O_RDONLY | O_DIRECTORY, err);

		close(folder);
		if (deeper < 0)
			return strchr(path, '/') ? pv_err_wrap(err, "%.300s", path) : -1;
		folder = deeper;
	}
	return folder;
}

int pv_durable_parent(struct pv_storage at, const char *path, const char **name, struct pv_err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = slash ? pv_dup(path, (size_t)(slash - path)) : pv_dup(".", 1);

	*name = slash ? slash + 1 : path;
	return pv_durable_mkdirs(at, parent, err);
}

static bool is_one_file(int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1;
}

int pv_durable_append(struct pv_storage folder, const char *name, struct pv_err *err)
{
	int fd = folder.ops->create(folder.root, name, O_WRONLY | O_APPEND);

	if (fd >= 0 && is_one_file(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	/* ENXIO: a FIFO or a socket. */
	else if (errno != ELOOP && errno != ENXIO)
		return pv_beneath_fail(-errno, name, err);
	if (folder.ops->unlink(folder.root, name) < 0)
		return pv_err_errno(err, "%.200s is in the way and cannot be removed", name);
	fd = folder.ops->create(folder.root, name, O_WRONLY | O_EXCL | O_APPEND);
	return fd < 0 ? pv_beneath_fail(-errno, name, err) : fd;
}

int pv_durable_write_all(const struct pv_fsops *ops, int fd, const void *bytes, size_t length)
{
	return pv_write_all_by(ops->write, fd, bytes, length);
}

/* Without a name until it is whole: whatever interrupts this leaves nothing behind. */
int pv_durable_write(
	struct pv_storage at, const char *path, const char *text, size_t length, struct pv_err *err)
{
	const char *name;
	cleanup_close int folder = pv_durable_parent(at, path, &name, err);
	cleanup_close int fd = folder < 0 ? -1 : at.ops->unnamed(folder);

	if (folder < 0)
		return -1;
	if (fd < 0 || pv_durable_write_all(at.ops, fd, text, length) < 0 ||
		at.ops->sync_data(fd, PV_BARRIER_FILE_DATA) < 0 || at.ops->link(fd, folder, name) < 0 ||
		at.ops->sync(folder, PV_BARRIER_FILE_NAME) < 0)
		return pv_err_errno(err, "cannot write %.300s", path);
	return 0;
}

static int write_beside(struct pv_storage folder, const char *beside, const char *text, size_t length)
{
	cleanup_close int fd = -1;

	/* Of one that was cut off; a name that is taken otherwise is not written through. */
	if (folder.ops->unlink(folder.root, beside) < 0 && errno != ENOENT)
		return -1;
	fd = folder.ops->create(folder.root, beside, O_WRONLY | O_EXCL);
	return fd < 0 || pv_durable_write_all(folder.ops, fd, text, length) < 0 ||
			       folder.ops->sync_data(fd, PV_BARRIER_FILE_DATA) < 0
		       ? -1
		       : 0;
}

int pv_durable_replace(
	struct pv_storage at, const char *path, const char *text, size_t length, struct pv_err *err)
{
	const char *name;
	cleanup_close int fd = pv_durable_parent(at, path, &name, err);
	cleanup_free char *beside = pv_fmt("%s" PV_DURABLE_BESIDE, name);
	struct pv_storage folder = below(at, fd);

	if (fd < 0)
		return -1;
	if (write_beside(folder, beside, text, length) < 0 || at.ops->rename(fd, beside, name) < 0) {
		pv_err_errno(err, "cannot write %.300s", path);
		at.ops->unlink(fd, beside);
		return -1;
	}
	return at.ops->sync(fd, PV_BARRIER_FILE_NAME) < 0
		       ? pv_err_errno(err, "cannot make %.300s durable", path)
		       : 0;
}

int pv_durable_rename(
	struct pv_storage folder, const char *from, const char *to, enum pv_barrier why, struct pv_err *err)
{
	if (folder.ops->rename(folder.root, from, to) < 0)
		return pv_err_errno(err, "cannot rename %.200s to %.200s", from, to);
	return folder.ops->sync(folder.root, why) < 0 ? pv_err_errno(err, "cannot make %.200s durable", to)
						      : 0;
}

/* A tree that goes, and how many of its directories were lifted to its top. */
struct removal {
	int top;
	unsigned int lifted;
	struct pv_err *err;
};

/* Each level takes a descriptor, and what containers make has any depth. */
static int lift(struct removal *removal, struct pv_storage folder, const char *name)
{
	char place[32];

	do {
		snprintf(place, sizeof(place), "lifted-%u", removal->lifted++);
		if (folder.ops->move(folder.root, name, removal->top, place) == 0)
			return 0;
	} while (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR);
	return pv_err_errno(removal->err, "cannot be removed");
}

static int remove_entry(struct removal *removal, struct pv_storage folder, const char *name, int depth);

static int remove_below(struct removal *removal, struct pv_storage folder, int depth)
{
	int fd = pv_beneath_open(folder.root, ".", O_RDONLY | O_DIRECTORY, removal->err);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;

	if (!dir)
		return fd < 0 ? -1 : pv_err_errno(removal->err, "cannot be read");
	for (errno = 0; (found = readdir(dir)); errno = 0)
		if (strcmp(found->d_name, ".") && strcmp(found->d_name, "..") &&
			remove_entry(removal, folder, found->d_name, depth) < 0)
			return pv_err_wrap(removal->err, "%.100s", found->d_name);
	return errno ? pv_err_errno(removal->err, "cannot be read") : 0;
}

/* Again where something was lifted: it may be after what was read. */
static int remove_all(struct removal *removal, struct pv_storage folder, int depth)
{
	unsigned int lifted;

	do {
		lifted = removal->lifted;
		if (remove_below(removal, folder, depth) < 0)
			return -1;
	} while (depth == 1 && removal->lifted != lifted);
	return 0;
}

static int remove_entry(struct removal *removal, struct pv_storage folder, const char *name, int depth)
{
	cleanup_close int deeper = -1;

	if (folder.ops->unlink(folder.root, name) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return pv_err_errno(removal->err, "cannot be removed");
	deeper = pv_beneath_open(folder.root, name, O_RDONLY | O_DIRECTORY, removal->err);
	if (deeper < 0)
		return -1;
	if (depth == PV_DURABLE_DEPTH)
		return lift(removal, folder, name);
	if (!depth)
		removal->top = deeper;
	if (remove_all(removal, below(folder, deeper), depth + 1) < 0)
		return -1;
	return folder.ops->rmdir(folder.root, name) < 0 ? pv_err_errno(removal->err, "cannot be removed")
							: 0;
}

int pv_durable_remove_tree(struct pv_storage folder, const char *name, struct pv_err *err)
{
	struct removal removal = {.top = -1, .err = err};

	if (!pv_beneath_has(folder.root, name))
		return 0;
	return remove_entry(&removal, folder, name, 0) < 0 ? pv_err_wrap(err, "%.200s", name) : 0;
}
