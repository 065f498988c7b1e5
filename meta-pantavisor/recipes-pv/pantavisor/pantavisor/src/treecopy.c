/* SPDX-License-Identifier: MIT */
#include "treecopy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "text.h"

#define CHUNK_BYTES (128 * 1024)
#define MAKING_MODE 0700 /* until the right one is set */

/* Overlayfs and the host's own policy mean other files by theirs. */
static bool is_copied_attribute(const char *name)
{
	return !pv_starts_with(name, "trusted.") && strcmp(name, "security.selinux") != 0;
}

static int copy_attribute(int from, int to, const char *name)
{
	cleanup_free char *value = pv_alloc(XATTR_SIZE_MAX, 1);
	ssize_t length = fgetxattr(from, name, value, XATTR_SIZE_MAX);

	/* A file system in memory has fewer kinds. */
	return length < 0 || (fsetxattr(to, name, value, (size_t)length, 0) < 0 && errno != EOPNOTSUPP) ? -1
													: 0;
}

static int copy_attributes(int from, int to)
{
	cleanup_free char *names = pv_alloc(XATTR_LIST_MAX + 1, 1);
	ssize_t length = flistxattr(from, names, XATTR_LIST_MAX);

	if (length < 0)
		return errno == EOPNOTSUPP ? 0 : -1;
	for (const char *name = names; name < names + length; name += strlen(name) + 1)
		if (is_copied_attribute(name) && copy_attribute(from, to, name) < 0)
			return -1;
	return 0;
}

int pv_tree_copy_kept(int from, int to, struct pv_err *err)
{
	struct stat info;

	/* In this order: a new owner takes setuid and capabilities away, and writing changes times. */
	if (fstat(from, &info) < 0 || fchown(to, info.st_uid, info.st_gid) < 0 ||
		fchmod(to, info.st_mode & 07777) < 0 || copy_attributes(from, to) < 0 ||
		futimens(to, (const struct timespec[]){info.st_atim, info.st_mtim}) < 0)
		return pv_err_errno(err, "cannot copy owner and mode");
	return 0;
}

static int take_room(uint64_t *room, uint64_t needed, const char *what, struct pv_err *err)
{
	if (needed > *room)
		return pv_err_set(err, "there is no room for it: only %llu %s are left",
			(unsigned long long)*room, what);
	*room -= needed;
	return 0;
}

static int copy_bytes(int from, struct pv_storage to, struct pv_tree_room *room, struct pv_err *err)
{
	cleanup_free char *chunk = pv_alloc(CHUNK_BYTES, 1);

	for (;;) {
		ssize_t got = read(from, chunk, CHUNK_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			return 0;
		if (got > 0 && take_room(&room->bytes, (uint64_t)got, "bytes", err) < 0)
			return -1;
		if (got < 0 || pv_durable_write_all(to.ops, to.root, chunk, (size_t)got) < 0)
			return pv_err_errno(err, "cannot be copied");
	}
}

static int copy_file(int from_folder, struct pv_storage folder, const char *name, struct pv_tree_room *room,
	struct pv_err *err)
{
	cleanup_close int from = pv_beneath_file(from_folder, name, err);
	cleanup_close int to = -1;

	if (from < 0)
		return -1;
	to = folder.ops->create(folder.root, name, O_WRONLY | O_EXCL);
	if (to < 0)
		return pv_err_errno(err, "cannot be made");
	if (copy_bytes(from, (struct pv_storage){to, folder.ops}, room, err) < 0)
		return -1;
	return pv_tree_copy_kept(from, to, err);
}

static int copy_link(int from, struct pv_storage to, const char *name)
{
	cleanup_free char *target = pv_alloc(PATH_MAX + 1, 1);

	return readlinkat(from, name, target, PATH_MAX) < 0 ? -1 : to.ops->symlink(target, to.root, name);
}

/* A link, a FIFO, a socket or a device. */
static int copy_node(
	int from, struct pv_storage to, const char *name, const struct stat *info, struct pv_err *err)
{
	const struct timespec times[] = {info->st_atim, info->st_mtim};
	bool is_link = S_ISLNK(info->st_mode);

	if ((is_link ? copy_link(from, to, name)
		     : to.ops->mknod(
			       to.root, name, (info->st_mode & S_IFMT) | MAKING_MODE, info->st_rdev)) < 0 ||
		fchownat(to.root, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		(!is_link && fchmodat(to.root, name, info->st_mode & 07777, 0) < 0) ||
		utimensat(to.root, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return pv_err_errno(err, "cannot be made");
	return 0;
}

static int copy_below(
	int from, struct pv_storage to, int depth, struct pv_tree_room *room, struct pv_err *err);

static int copy_folder(int from_folder, struct pv_storage folder, const char *name, int depth,
	struct pv_tree_room *room, struct pv_err *err)
{
	cleanup_close int from = pv_beneath_open(from_folder, name, O_RDONLY | O_DIRECTORY, err);
	cleanup_close int to = -1;

	if (from < 0)
		return -1;
	if (folder.ops->mkdir(folder.root, name, MAKING_MODE) < 0)
		return pv_err_errno(err, "cannot be made");
	to = pv_beneath_open(folder.root, name, O_RDONLY | O_DIRECTORY, err);
	if (to < 0 || copy_below(from, (struct pv_storage){to, folder.ops}, depth, room, err) < 0)
		return -1;
	return pv_tree_copy_kept(from, to, err);
}

static int copy_entry(int from, struct pv_storage to, const char *name, int depth,
	struct pv_tree_room *room, struct pv_err *err)
{
	struct stat info;

	if (take_room(&room->entries, 1, "files", err) < 0)
		return -1;
	if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return pv_err_errno(err, "cannot be examined");
	if (S_ISREG(info.st_mode))
		return copy_file(from, to, name, room, err);
	if (S_ISDIR(info.st_mode))
		return copy_folder(from, to, name, depth + 1, room, err);
	return copy_node(from, to, name, &info, err);
}

static int copy_below(
	int from, struct pv_storage to, int depth, struct pv_tree_room *room, struct pv_err *err)
{
	int fd = depth > PV_TREE_DEPTH
			 ? pv_err_set(err, "directories are nested more than %d deep", PV_TREE_DEPTH)
			 : pv_beneath_open(from, ".", O_RDONLY | O_DIRECTORY, err);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;

	if (!dir)
		return fd < 0 ? -1 : pv_err_errno(err, "cannot be read");
	for (errno = 0; (found = readdir(dir)); errno = 0)
		if (strcmp(found->d_name, ".") && strcmp(found->d_name, "..") &&
			copy_entry(from, to, found->d_name, depth, room, err) < 0)
			return pv_err_wrap(err, "%.100s", found->d_name);
	return errno ? pv_err_errno(err, "cannot be read") : 0;
}

int pv_tree_copy(int from, struct pv_storage to, struct pv_tree_room *room, struct pv_err *err)
{
	return copy_below(from, to, 0, room, err);
}
