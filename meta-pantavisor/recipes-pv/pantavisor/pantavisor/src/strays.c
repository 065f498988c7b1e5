/* SPDX-License-Identifier: MIT */
#include "strays.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "bootfiles.h"
#include "durable.h"
#include "log.h"
#include "text.h"

/* What was cut off in writing a file left it. */
#define LEFTOVER PV_DURABLE_BESIDE
#define LEFTOVERS 4096

struct walk {
	const struct pv_checkout *checkout;
	const char **paths; /* of the state, in order */
	size_t count;
	size_t leftovers;
	struct pv_err *err;
};

/* lib/pantavisor/audit/storage.py has the same ones. */
static const char *const known_files[] = {".pvr/json", ".pvr/config", ".pv/progress", ".pv/done",
	".pv/commitmsg", ".pv/logs", ".pv/logs.tmp"};
static const char *const known_folders[] = {".pv", ".pvr"};

static bool is_known_file(const char *path)
{
	for (size_t i = 0; i < PV_COUNT(known_files); i++)
		if (!strcmp(path, known_files[i]))
			return true;
	/* Those are judged, one by one, by bootfiles. */
	return pv_starts_with(path, ".pv/") && pv_bootfiles_is(path + strlen(".pv/"));
}

static bool is_known_folder(const char *path)
{
	for (size_t i = 0; i < PV_COUNT(known_folders); i++)
		if (!strcmp(path, known_folders[i]))
			return true;
	return false;
}

/* The first path of the state that is not before `text`; "" after the last. */
static const char *find(const struct walk *walk, const char *text)
{
	size_t low = 0, high = walk->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(walk->paths[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < walk->count ? walk->paths[low] : "";
}

static bool is_file_of_state(const struct walk *walk, const char *path)
{
	return !strcmp(find(walk, path), path);
}

static bool is_folder_of_state(const struct walk *walk, const char *path)
{
	cleanup_free char *prefix = pv_fmt("%s/", path);

	return pv_starts_with(find(walk, prefix), prefix);
}

static int judge_unlisted(struct walk *walk, int folder, const char *name, const char *path)
{
	if (!pv_ends_with(name, LEFTOVER) || ++walk->leftovers > LEFTOVERS)
		return pv_err_set(walk->err, "%.300s is not in the state", path);
	if (walk->checkout->repair && walk->checkout->repair->unlink(folder, name) == 0)
		pv_warn("strays", "%s was left half-written and is removed", path);
	return 0;
}

static int visit(struct walk *walk, int folder, const char *path);

static int judge(struct walk *walk, int folder, const char *name, const char *path)
{
	cleanup_close int deeper = -1;
	struct stat info;
	bool is_file = is_file_of_state(walk, path) || is_known_file(path);

	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return pv_err_errno(walk->err, "%.300s cannot be examined", path);
	/* An update's logs, which nothing here reads. */
	if (S_ISDIR(info.st_mode) && (!strcmp(path, ".pv/logs") || !strcmp(path, ".pv/logs.tmp")))
		return 0;
	if (is_file)
		return S_ISREG(info.st_mode) ? 0
					     : pv_err_set(walk->err, "%.300s is not a regular file", path);
	if (S_ISREG(info.st_mode))
		return judge_unlisted(walk, folder, name, path);
	if (!S_ISDIR(info.st_mode) || (!is_folder_of_state(walk, path) && !is_known_folder(path)))
		return pv_err_set(walk->err, "%.300s is not in the state", path);
	deeper = pv_beneath_open(folder, name, O_RDONLY | O_DIRECTORY, walk->err);
	return deeper < 0 ? -1 : visit(walk, deeper, path);
}

static int unreadable(const struct walk *walk, const char *path)
{
	return pv_err_errno(walk->err, "%.300s cannot be read", *path ? path : "the revision");
}

/* Only folders of the state are entered, so their depth and number are those of its paths. */
static int visit(struct walk *walk, int folder, const char *path)
{
	int fd = pv_beneath_open(folder, ".", O_RDONLY | O_DIRECTORY, walk->err);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd < 0)
		return -1;
	if (!dir)
		return unreadable(walk, path);
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		cleanup_free char *deeper =
			*path ? pv_fmt("%s/%s", path, entry->d_name) : pv_fmt("%s", entry->d_name);

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (judge(walk, folder, entry->d_name, deeper) < 0)
			return -1;
	}
	return errno ? unreadable(walk, path) : 0;
}

static int compare_paths(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

int pv_strays_refuse(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err)
{
	cleanup_free const char **paths = pv_alloc(state->entry_count, sizeof(*paths));
	struct walk walk = {checkout, paths, state->entry_count, 0, err};

	for (size_t i = 0; i < state->entry_count; i++)
		paths[i] = state->entries[i].path;
	qsort(paths, state->entry_count, sizeof(*paths), compare_paths);
	return visit(&walk, checkout->trail, "");
}
