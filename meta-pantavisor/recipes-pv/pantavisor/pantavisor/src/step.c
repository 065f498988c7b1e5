/* SPDX-License-Identifier: MIT */
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "bootfiles.h"
#include "collect.h"
#include "durable.h"
#include "progress.h"
#include "release.h"
#include "space.h"
#include "text.h"
#include "trail.h"

#define BLOCK_BYTES 4096
#define OWN_BLOCKS 64 /* the revision's folders and records */
#define NEW_MESSAGE "Update ready to be run"

static int put_file(
	struct pv_storage trail, const char *path, const char *text, size_t length, struct pv_err *err)
{
	const char *name;
	cleanup_close int folder = pv_durable_parent(trail, path, &name, err);
	cleanup_close int fd = folder < 0 ? -1 : trail.ops->create(folder, name, O_WRONLY | O_EXCL);

	if (folder < 0)
		return -1;
	if (fd < 0 || pv_durable_write_all(trail.ops, fd, text, length) < 0)
		return pv_err_errno(err, "cannot write %.300s", path);
	return 0;
}

static int put_link(int storage, struct pv_storage trail, const struct pv_entry *entry, struct pv_err *err)
{
	cleanup_free char *source = pv_fmt("objects/%s", entry->object_id);
	cleanup_close int object = pv_beneath_open(storage, source, O_PATH | O_NOFOLLOW, err);
	const char *name;
	cleanup_close int folder = object < 0 ? -1 : pv_durable_parent(trail, entry->path, &name, err);

	if (folder < 0)
		return -1;
	if (trail.ops->link(object, folder, name) < 0)
		return pv_err_errno(err, "cannot link %.300s", entry->path);
	return 0;
}

static int put_entries(
	int storage, struct pv_storage trail, const struct pv_state *state, struct pv_err *err)
{
	for (size_t i = 0; i < state->entry_count; i++) {
		const struct pv_entry *entry = &state->entries[i];
		const char *text = state->doc.text + entry->value->start;

		if ((entry->object_id ? put_link(storage, trail, entry, err)
				      : put_file(trail, entry->path, text,
						entry->value->end - entry->value->start, err)) < 0)
			return -1;
	}
	return 0;
}

static int put_records(struct pv_storage trail, const struct pv_step *step, struct pv_err *err)
{
	const char *objects = strchr(step->revision, '/') ? "{\"ObjectsDir\":\"../../../objects\"}"
							  : "{\"ObjectsDir\":\"../../objects\"}";
	struct pv_progress progress = {.status = PV_PROGRESS_NEW, .message = NEW_MESSAGE};
	cleanup_free char *record = pv_progress_render(&progress);

	if (put_file(trail, ".pvr/json", step->text, step->length, err) < 0 ||
		put_file(trail, ".pvr/config", objects, strlen(objects), err) < 0)
		return -1;
	return put_file(trail, ".pv/progress", record, strlen(record), err);
}

/* In its folder without a name that counts. */
static int fill(struct pv_storage at, const struct pv_trail *place, const struct pv_step *step,
	const struct pv_state *state, struct pv_err *err)
{
	struct pv_storage parent = {place->folder, at.ops};
	cleanup_close int fd = -1;
	struct pv_storage trail;

	if (pv_durable_remove_tree(parent, place->made, err) < 0)
		return -1;
	fd = pv_durable_mkdirs(parent, place->made, err);
	trail = (struct pv_storage){fd, at.ops};
	if (fd < 0 || put_entries(at.root, trail, state, err) < 0 ||
		pv_bootfiles_make(at.root, trail, state, err) < 0 || put_records(trail, step, err) < 0)
		return -1;
	if (at.ops->sync_all(fd, PV_BARRIER_STEP_FILES) < 0)
		return pv_err_errno(err, "cannot make it durable");
	return 0;
}

/* A boot loader reads no journal, and may choose the name at any time: the new one is at its place before
 * it has the name, and the old one is until it has lost it there. */
static int take_place(struct pv_storage at, const struct pv_trail *place, struct pv_err *err)
{
	struct pv_storage parent = {place->folder, at.ops};

	if (at.ops->checkpoint(at.root, PV_BARRIER_CHECKPOINT) < 0 && errno != ENOTSUP)
		return pv_err_errno(err, "cannot write the new one to its place on the medium");
	if (at.ops->exchange(place->folder, place->made, place->name) < 0)
		return pv_err_errno(err, "cannot exchange the old one");
	if (at.ops->sync(place->folder, PV_BARRIER_STEP_NAME) < 0 ||
		(at.ops->checkpoint(at.root, PV_BARRIER_CHECKPOINT) < 0 && errno != ENOTSUP))
		return pv_err_errno(err, "cannot make the exchange durable");
	return pv_durable_remove_tree(parent, place->made, err);
}

static int give_name(
	struct pv_storage at, const struct pv_trail *place, const struct pv_step *step, struct pv_err *err)
{
	struct pv_storage parent = {place->folder, at.ops};

	if (step->replaces && pv_beneath_has(place->folder, place->name)) {
		/* The new one, which is whole by now, never has what the old one wrote. */
		if (pv_collect_traces(at, step->revision, err) < 0)
			return -1;
		return take_place(at, place, err);
	}
	return pv_durable_rename(parent, place->made, place->name, PV_BARRIER_STEP_NAME, err);
}

static int make(struct pv_storage at, const struct pv_trail *place, const struct pv_step *step,
	const struct pv_state *state, struct pv_err *err)
{
	struct pv_storage parent = {place->folder, at.ops};
	struct pv_err ignored;

	/* The rest of one that had the name. */
	if (pv_collect_dead(at, step->revision, err) < 0)
		return -1;
	if (fill(at, place, step, state, err) == 0) {
		if (give_name(at, place, step, err) == 0)
			return 0;
		/* It may be the old one by now, which a boot loader still sees: the next boot removes it.
		 */
		if (step->replaces)
			return -1;
	}
	pv_durable_remove_tree(parent, place->made, &ignored);
	return -1;
}

static int count_one(void *context, const char *revision, struct pv_err *err)
{
	(void)revision;
	(void)err;
	++*(size_t *)context;
	return 0;
}

static uint64_t bytes_needed(const struct pv_state *state, const struct pv_step *step)
{
	uint64_t blocks = OWN_BLOCKS + step->length / BLOCK_BYTES;

	for (size_t i = 0; i < state->entry_count; i++)
		if (!state->entries[i].object_id)
			blocks += (state->entries[i].value->end - state->entries[i].value->start) /
					  BLOCK_BYTES +
				  1;
	/* And a folder for each part of a path, at the most. */
	return (blocks + state->entry_count) * BLOCK_BYTES;
}

static int judge(struct pv_storage at, const struct pv_step *step, const struct pv_state *state,
	const struct pv_verified *verified, struct pv_err *err)
{
	size_t revisions = 0;

	if (pv_release_check(verified->release, step->least_release, err) < 0)
		return -1;
	if (pv_trail_list(at.root, "", count_one, &revisions, err) < 0)
		return -1;
	if (!step->replaces && revisions >= PV_TRAIL_REVISIONS) {
		pv_err_set(err, PV_STEP_TOO_MANY ": %zu", revisions);
		pv_err_hint(err, "remove those that are not needed any more: run the garbage collection");
		return -1;
	}
	return pv_space_check(at.root, bytes_needed(state, step), err);
}

/* 1 where it is there, with this text. */
static int find_same(const struct pv_trail *place, const struct pv_step *step, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/.pvr/json", place->name), *text = NULL;
	struct pv_err unread;
	size_t length;

	if (!pv_beneath_has(place->folder, place->name))
		return 0;
	if (pv_beneath_read(place->folder, path, PV_JSON_TEXT_BYTES, &text, &length, &unread) == 0 &&
		length == step->length && !memcmp(text, step->text, length))
		return 1;
	pv_err_set(err, "revision %s exists with another state", step->revision);
	pv_err_hint(err, "use another name: a revision is never rewritten");
	return -1;
}

static int create(struct pv_storage at, const struct pv_verify *options, const struct pv_step *step,
	const struct pv_trail *place, struct pv_err *err)
{
	cleanup_close int lock = pv_trail_lock(at.root, err);
	struct pv_verified verified;
	struct pv_state state;
	int found = 0, done;

	if (lock < 0)
		return -1;
	if (!step->replaces)
		found = find_same(place, step, err);
	if (found)
		return found < 0 ? -1 : 0;
	if (pv_verify_text(options, step->text, step->length, &state, &verified, err) < 0)
		return -1;
	done = judge(at, step, &state, &verified, err);
	if (done == 0 && make(at, place, step, &state, err) < 0)
		done = pv_err_wrap(err, "revision %s", step->revision);
	pv_state_free(&state);
	return done;
}

int pv_step_create(struct pv_storage at, const struct pv_verify *options, const struct pv_step *step,
	struct pv_err *err)
{
	struct pv_trail place;
	int done;

	if (pv_trail_open(at, step->revision, &place, err) < 0)
		return -1;
	done = create(at, options, step, &place, err);
	close(place.folder);
	return done;
}
