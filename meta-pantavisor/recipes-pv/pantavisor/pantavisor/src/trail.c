/* SPDX-License-Identifier: MIT */
#include "trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "text.h"

#define NAMES 4096 /* in one folder; more are not looked at */

static const char *const folders[][2] = {{"trails", ""}, {"trails/locals", "locals/"}};

int pv_trail_open(struct pv_storage at, const char *revision, struct pv_trail *trail, struct pv_err *err)
{
	const char *slash = strrchr(revision, '/');

	if (!pv_revision_is(revision))
		return pv_err_set(err, "\"%.80s\" is not a name of a revision", revision);
	trail->name = slash ? slash + 1 : revision;
	snprintf(trail->made, sizeof(trail->made), PV_TRAIL_NEW "%s", trail->name);
	snprintf(trail->dead, sizeof(trail->dead), PV_TRAIL_DEAD "%s", trail->name);
	trail->folder = pv_durable_mkdirs(at, folders[slash ? 1 : 0][0], err);
	return trail->folder < 0 ? -1 : 0;
}

int pv_trail_lock(int storage, struct pv_err *err)
{
	int fd = pv_beneath_open(storage, ".", O_RDONLY | O_DIRECTORY, err);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(fd);
			return pv_err_errno(err, "the storage cannot be locked");
		}
	return fd;
}

int pv_trail_try_lock(int storage)
{
	int fd = pv_beneath_try(storage, ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Names first, since `each` may change the folder. */
static int read_names(int fd, const char *prefix, char **names, struct pv_err *err)
{
	int copy = pv_beneath_open(fd, ".", O_RDONLY | O_DIRECTORY, err);
	cleanup_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int count = 0;

	if (!dir)
		return copy < 0 ? -1 : pv_err_errno(err, "the revisions cannot be listed");
	for (errno = 0; count < NAMES && (entry = readdir(dir)); errno = 0)
		if (pv_starts_with(entry->d_name, prefix) && pv_name_is(entry->d_name + strlen(prefix)))
			names[count++] = pv_dup(entry->d_name, strlen(entry->d_name));
	if (!errno)
		return count;
	pv_err_errno(err, "the revisions cannot be listed");
	while (count)
		free(names[--count]);
	return -1;
}

static int list_folder(int storage, size_t which, const char *prefix, pv_trail_each *each, void *context,
	struct pv_err *err)
{
	int fd = pv_beneath_try(storage, folders[which][0], O_RDONLY | O_DIRECTORY);
	cleanup_close int folder = fd;
	cleanup_free char **names = pv_alloc(NAMES, sizeof(*names));
	int count = fd < 0 ? 0 : read_names(folder, prefix, names, err), done = count < 0 ? -1 : 0;

	for (int i = 0; i < count; i++) {
		cleanup_free char *name = names[i];
		cleanup_free char *revision = pv_fmt("%s%s", folders[which][1], name + strlen(prefix));
		cleanup_close int found =
			done < 0 ? -1 : pv_beneath_try(folder, name, O_RDONLY | O_DIRECTORY);

		if (found >= 0 && pv_revision_is(revision))
			done = each(context, revision, err);
	}
	return done;
}

int pv_trail_list(int storage, const char *prefix, pv_trail_each *each, void *context, struct pv_err *err)
{
	for (size_t i = 0; i < PV_COUNT(folders); i++)
		if (list_folder(storage, i, prefix, each, context, err) < 0)
			return -1;
	return 0;
}
