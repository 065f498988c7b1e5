/* SPDX-License-Identifier: MIT */
#include "resume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "collect.h"
#include "durable.h"
#include "log.h"
#include "progress.h"
#include "publish.h"
#include "sha256.h"
#include "text.h"
#include "trail.h"
#include "update.h"
#include "upload.h"

#define PARTS 4096 /* that one boot removes */

struct leftovers {
	struct pv_storage at;
	struct pv_err *first;
	int failed;
};

static int note(
	struct leftovers *all, int done, const char *what, const char *revision, const struct pv_err *err)
{
	if (done == 0)
		pv_info("resume", "%s of revision %s is removed", what, revision);
	else if (!all->failed++)
		*all->first = *err;
	/* The others are looked at all the same. */
	return 0;
}

static int remove_new(void *context, const char *revision, struct pv_err *ignored)
{
	struct leftovers *all = context;
	struct pv_trail trail;
	struct pv_err err;
	int done = pv_trail_open(all->at, revision, &trail, &err);

	(void)ignored;
	if (done == 0) {
		done = pv_durable_remove_tree(
			(struct pv_storage){trail.folder, all->at.ops}, trail.made, &err);
		close(trail.folder);
	}
	return note(all, done, "the beginning", revision, &err);
}

static int remove_dead(void *context, const char *revision, struct pv_err *ignored)
{
	struct leftovers *all = context;
	struct pv_err err;

	(void)ignored;
	return note(all, pv_collect_dead(all->at, revision, &err), "the rest", revision, &err);
}

/* A part that a later upload can go on from stays. */
static bool is_useless_part(int folder, const char *name)
{
	struct stat info;

	return pv_starts_with(name, PV_UPLOAD_PART) &&
	       fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(info.st_mode) &&
	       (!pv_sha256_is(name + strlen(PV_UPLOAD_PART)) || !S_ISREG(info.st_mode) ||
		       info.st_nlink != 1 || info.st_size == 0);
}

static void remove_parts(struct leftovers *all)
{
	cleanup_close int folder = pv_beneath_try(all->at.root, "objects", O_RDONLY | O_DIRECTORY);
	int copy = folder < 0 ? -1 : pv_beneath_try(folder, ".", O_RDONLY | O_DIRECTORY);
	cleanup_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int left = PARTS;

	for (errno = 0; dir && left && (entry = readdir(dir)); errno = 0)
		if (is_useless_part(folder, entry->d_name)) {
			all->at.ops->unlink(folder, entry->d_name);
			left--;
		}
}

int pv_resume(struct pv_storage at, struct pv_err *err)
{
	struct leftovers all = {.at = at, .first = err};
	struct pv_err unread;

	pv_trail_list(at.root, PV_TRAIL_NEW, remove_new, &all, &unread);
	pv_trail_list(at.root, PV_TRAIL_DEAD, remove_dead, &all, &unread);
	remove_parts(&all);
	return all.failed ? -1 : 0;
}

static bool is_there(int storage, const char *revision)
{
	cleanup_free char *path = pv_fmt("trails/%s", revision);

	return pv_beneath_has(storage, path);
}

static int record(
	struct pv_storage at, const char *revision, enum pv_update_event event, struct pv_err *err)
{
	const struct pv_update_news news = {.event = event};

	return is_there(at.root, revision) ? pv_update_record(at, revision, &news, err) : 0;
}

static int complete_commit(struct pv_storage at, const char *revision, struct pv_err *err)
{
	if (is_there(at.root, revision) && pv_publish_mark(at, revision, err) < 0)
		return -1;
	return record(at, revision, strcmp(revision, "0") ? PV_UPDATE_COMMITTED : PV_UPDATE_FACTORY, err);
}

struct booted {
	struct pv_storage at;
	const char *revision;
};

/* Neither booted nor finished: it was cut off before the boot loader was given it, or ran without a boot.
 */
static int fail_unfinished(void *context, const char *revision, struct pv_err *err)
{
	const struct booted *booted = context;
	struct pv_progress progress;
	struct pv_err unread;

	if (!strcmp(revision, booted->revision) ||
		pv_progress_load(booted->at.root, revision, &progress, &unread) < 0 ||
		(progress.status != PV_PROGRESS_INPROGRESS && progress.status != PV_PROGRESS_TESTING))
		return 0;
	return record(booted->at, revision, PV_UPDATE_FELL_BACK, err);
}

int pv_resume_records(
	struct pv_storage at, const struct pv_bootenv *env, const char *booted, struct pv_err *err)
{
	struct booted all = {at, booted};

	if (pv_trail_list(at.root, "", fail_unfinished, &all, err) < 0)
		return -1;
	if (*env->tried && strcmp(env->tried, booted))
		return record(at, env->tried, PV_UPDATE_FELL_BACK, err);
	if (*env->tried || strcmp(env->revision, booted))
		return 0;
	return complete_commit(at, booted, err);
}
