/* SPDX-License-Identifier: MIT */
#include "collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "bootnotes.h"
#include "durable.h"
#include "sha256.h"
#include "text.h"
#include "trail.h"
#include "upload.h"

#define NAMED PV_BOOTNOTES_NAMED

struct collection {
	struct pv_storage at;
	const struct pv_keep *keep;
	char named[NAMED][PV_REVISION_BYTES + 1]; /* by the boot environment */
	size_t named_count;
	struct pv_collected *collected;
};

static bool is_kept(const struct collection *all, const char *revision)
{
	for (size_t i = 0; i < all->keep->count; i++)
		if (!strcmp(all->keep->revisions[i], revision))
			return true;
	for (size_t i = 0; i < all->named_count; i++)
		if (!strcmp(all->named[i], revision))
			return true;
	return false;
}

/* <path>/<revision>; a folder that is not there is as good. */
static int remove_below(struct pv_storage at, const char *path, const char *revision, struct pv_err *err)
{
	const char *slash = strrchr(revision, '/');
	cleanup_free char *place = slash ? pv_fmt("%s/locals", path) : pv_fmt("%s", path);
	cleanup_close int folder = pv_beneath_try(at.root, place, O_RDONLY | O_DIRECTORY);

	if (folder < 0)
		return 0;
	return pv_durable_remove_tree(
		(struct pv_storage){folder, at.ops}, slash ? slash + 1 : revision, err);
}

int pv_collect_traces(struct pv_storage at, const char *revision, struct pv_err *err)
{
	if (remove_below(at, "logs", revision, err) < 0)
		return -1;
	return remove_below(at, "disks/rev", revision, err);
}

/* Its own folder goes last: as long as it is there, what belongs to it is not finished. */
int pv_collect_dead(struct pv_storage at, const char *revision, struct pv_err *err)
{
	struct pv_trail trail;
	int done = 0;

	if (pv_trail_open(at, revision, &trail, err) < 0)
		return -1;
	if (pv_beneath_has(trail.folder, trail.dead)) {
		/* Unless another one has the name by now. */
		if (!pv_beneath_has(trail.folder, trail.name))
			done = pv_collect_traces(at, revision, err);
		if (done == 0)
			done = pv_durable_remove_tree(
				(struct pv_storage){trail.folder, at.ops}, trail.dead, err);
	}
	close(trail.folder);
	return done;
}

static int lose_name(struct pv_storage at, const char *revision, struct pv_err *err)
{
	struct pv_trail trail;
	int done;

	if (pv_trail_open(at, revision, &trail, err) < 0)
		return -1;
	done = pv_durable_rename((struct pv_storage){trail.folder, at.ops}, trail.name, trail.dead,
		PV_BARRIER_DEAD_NAME, err);
	close(trail.folder);
	return done;
}

static int collect_revision(void *context, const char *revision, struct pv_err *err)
{
	struct collection *all = context;

	if (is_kept(all, revision))
		return 0;
	if (pv_collect_dead(all->at, revision, err) < 0 || lose_name(all->at, revision, err) < 0 ||
		pv_collect_dead(all->at, revision, err) < 0)
		return pv_err_wrap(err, "revision %s cannot be removed", revision);
	all->collected->revisions++;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* The ids of the objects of a state, in order. */
static const char **ids_of(const struct pv_state *state, size_t *count)
{
	const char **ids = pv_alloc(state ? state->entry_count : 0, sizeof(*ids));

	*count = 0;
	for (size_t i = 0; state && i < state->entry_count; i++)
		if (state->entries[i].object_id)
			ids[(*count)++] = state->entries[i].object_id;
	qsort(ids, *count, sizeof(*ids), compare_ids);
	return ids;
}

static bool is_unused(int folder, const char *name, const char **ids, size_t count, struct stat *info)
{
	if (fstatat(folder, name, info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info->st_mode))
		return false;
	if (pv_starts_with(name, PV_UPLOAD_PART))
		return true;
	return info->st_nlink == 1 && pv_sha256_is(name) &&
	       !bsearch(&name, ids, count, sizeof(*ids), compare_ids);
}

static int collect_objects(struct collection *all, struct pv_err *err)
{
	cleanup_close int folder = pv_beneath_open(all->at.root, "objects", O_RDONLY | O_DIRECTORY, err);
	int copy = folder < 0 ? -1 : pv_beneath_open(folder, ".", O_RDONLY | O_DIRECTORY, err);
	cleanup_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	size_t count;
	cleanup_free const char **ids = ids_of(all->keep->incoming, &count);
	const struct dirent *entry;
	struct stat info;

	if (!dir)
		return copy < 0 ? -1 : pv_err_errno(err, "the objects cannot be listed");
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (!is_unused(folder, entry->d_name, ids, count, &info))
			continue;
		if (all->at.ops->unlink(folder, entry->d_name) < 0)
			return pv_err_errno(err, "%.80s cannot be removed", entry->d_name);
		all->collected->objects++;
		all->collected->bytes += (uint64_t)info.st_blocks * 512;
	}
	return errno ? pv_err_errno(err, "the objects cannot be listed") : 0;
}

int pv_collect(struct pv_storage at, enum pv_bootenv_kind kind, const struct pv_keep *keep,
	struct pv_collected *collected, struct pv_err *err)
{
	struct collection all = {.at = at, .keep = keep, .collected = collected};

	*collected = (struct pv_collected){0};
	all.named_count = pv_bootnotes_named(at.root, kind, all.named);
	if (!all.named_count)
		return pv_err_set(err, "the boot environment cannot be read: nothing is removed");
	if (pv_trail_list(at.root, "", collect_revision, &all, err) < 0)
		return -1;
	return keep->uploads ? 0 : collect_objects(&all, err);
}
