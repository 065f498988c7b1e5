/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "file.h"
#include "log.h"
#include "text.h"

#define SHORT 12

static int open_object(int storage, const char *object_id, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("objects/%s", object_id);
	int fd = pv_beneath_try(storage, path, O_RDONLY);
	struct stat info;

	if (fd == -ENOENT)
		return pv_err_set(err, "is missing");
	if (fd == -ELOOP)
		return pv_err_set(err, "is a symbolic link, or reached through one");
	if (fd < 0) {
		errno = -fd;
		return pv_err_errno(err, "cannot be opened");
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		return fd;
	close(fd);
	return pv_err_set(err, "is not a regular file");
}

static int compare_sum(const char *hex, const char *object_id, struct pv_err *err)
{
	return strcmp(hex, object_id) ? pv_err_set(err, "is corrupt, its sha256 is %.*s...", SHORT, hex)
				      : 0;
}

/* The very file: what was put in its place since has another inode. */
static bool is_known(const struct pv_held *known, const char *object_id, int fd)
{
	struct stat found, before;

	for (size_t i = 0; known && i < known->count; i++)
		if (!strcmp(known->objects[i].id, object_id))
			return fstat(fd, &found) == 0 && fstat(known->objects[i].fd, &before) == 0 &&
			       found.st_ino == before.st_ino && found.st_dev == before.st_dev;
	return false;
}

static int open_verified(const struct pv_checkout *checkout, const char *object_id, struct pv_err *err)
{
	int fd = open_object(checkout->storage, object_id, err);
	char hex[PV_SHA256_HEX + 1];

	if (fd < 0 || !checkout->checksum || is_known(checkout->known, object_id, fd))
		return fd;
	if (pv_sha256_fd(fd, hex, err) == 0 && compare_sum(hex, object_id, err) == 0)
		return fd;
	close(fd);
	return -1;
}

static int repair_link(const struct pv_checkout *checkout, int object, const char *path, struct pv_err *err)
{
	cleanup_close int folder = -1;
	const char *name;

	if (!checkout->repair)
		return 0;
	folder =
		pv_durable_parent((struct pv_storage){checkout->trail, checkout->repair}, path, &name, err);
	if (folder < 0)
		return -1;
	if (checkout->repair->link(object, folder, name) < 0 ||
		checkout->repair->sync(folder, PV_BARRIER_REPAIR) < 0)
		return pv_err_errno(err, "cannot be linked to %s", path);
	pv_warn("objects", "%s was missing and is linked again", path);
	return 0;
}

static int check_link(const struct pv_checkout *checkout, int object, const char *path, struct pv_err *err)
{
	cleanup_close int fd = pv_beneath_try(checkout->trail, path, O_PATH | O_NOFOLLOW);
	struct stat stored, linked;

	if (fd == -ENOENT)
		return repair_link(checkout, object, path, err);
	if (fd < 0) {
		errno = -fd;
		return pv_err_errno(err, "its path cannot be opened");
	}
	if (fstat(object, &stored) < 0 || fstat(fd, &linked) < 0)
		return pv_err_errno(err, "cannot be examined");
	if (linked.st_ino != stored.st_ino || linked.st_dev != stored.st_dev)
		return pv_err_set(err, "is not what %s is linked to", path);
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct pv_entry *const *left = a, *const *right = b;

	return strcmp((*left)->object_id, (*right)->object_id);
}

static void hold(struct pv_held *held, const char *object_id, int fd)
{
	held->objects = pv_resize(held->objects, held->count + 1, sizeof(*held->objects));
	held->objects[held->count].fd = fd;
	memcpy(held->objects[held->count++].id, object_id, PV_SHA256_HEX + 1);
}

/* All the paths of one object. */
static int check_object(const struct pv_checkout *checkout, const struct pv_entry **paths, size_t count,
	struct pv_held *held, struct pv_err *err)
{
	const char *object_id = paths[0]->object_id;
	cleanup_close int fd = open_verified(checkout, object_id, err);
	bool is_held = false;
	size_t i = 0;

	for (; fd >= 0 && i < count && check_link(checkout, fd, paths[i]->path, err) == 0; i++)
		is_held |= paths[i]->is_volume || pv_starts_with(paths[i]->path, "bsp/");
	if (fd < 0 || i < count)
		return pv_err_wrap(err, "object %.*s (%.200s)", SHORT, object_id, paths[i]->path);
	if (is_held && held) {
		hold(held, object_id, fd);
		fd = -1;
	}
	return 0;
}

static int check_objects(const struct pv_checkout *checkout, const struct pv_state *state,
	struct pv_held *held, size_t *objects, struct pv_err *err)
{
	cleanup_free const struct pv_entry **list = pv_alloc(state->entry_count, sizeof(*list));
	size_t count = 0, same;

	*objects = 0;
	for (size_t i = 0; i < state->entry_count; i++)
		if (state->entries[i].object_id)
			list[count++] = &state->entries[i];
	qsort(list, count, sizeof(*list), compare_ids);
	for (size_t i = 0; i < count; i += same, ++*objects) {
		for (same = 1; i + same < count && !compare_ids(&list[i], &list[i + same]);)
			same++;
		if (check_object(checkout, &list[i], same, held, err) < 0)
			return -1;
	}
	return 0;
}

/* What only tools on a host read is not compared, as on published devices: <part>/src.json and build.json.
 */
static bool is_unread(const char *path)
{
	const char *slash = strchr(path, '/');

	return slash && (!strcmp(slash, "/src.json") || !strcmp(slash, "/build.json"));
}

static int check_inline(const struct pv_checkout *checkout, const struct pv_state *state,
	const struct pv_entry *entry, struct pv_err *err)
{
	const char *wanted = state->doc.text + entry->value->start;
	size_t length = entry->value->end - entry->value->start, found;
	cleanup_free char *text = NULL;

	if (!pv_beneath_has(checkout->trail, entry->path)) {
		if (!checkout->repair)
			return 0;
		pv_warn("objects", "%s was missing and is written again", entry->path);
		return pv_durable_write((struct pv_storage){checkout->trail, checkout->repair}, entry->path,
			wanted, length, err);
	}
	if (pv_beneath_read(checkout->trail, entry->path, PV_JSON_TEXT_BYTES, &text, &found, err) < 0)
		return -1;
	if (found != length || memcmp(text, wanted, length))
		return pv_err_set(err, "%s differs from the state", entry->path);
	return 0;
}

static int check_all(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_held *held,
	size_t *objects, struct pv_err *err)
{
	if (check_objects(checkout, state, held, objects, err) < 0)
		return -1;
	for (size_t i = 0; i < state->entry_count; i++)
		if (!state->entries[i].object_id && !is_unread(state->entries[i].path) &&
			check_inline(checkout, state, &state->entries[i], err) < 0)
			return -1;
	return 0;
}

int pv_objects_check(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_held *held,
	size_t *objects, struct pv_err *err)
{
	if (held)
		*held = (struct pv_held){0};
	if (check_all(checkout, state, held, objects, err) == 0)
		return 0;
	if (held)
		pv_held_close(held);
	return -1;
}

int pv_objects_find_all(int storage, const struct pv_state *state, struct pv_err *err)
{
	for (size_t i = 0; i < state->entry_count; i++) {
		const char *object_id = state->entries[i].object_id;
		cleanup_close int fd = object_id ? open_object(storage, object_id, err) : -1;

		if (object_id && fd < 0)
			return pv_err_wrap(err, "object %s (%.200s)", object_id, state->entries[i].path);
	}
	return 0;
}

int pv_held_find(
	const struct pv_held *held, const struct pv_state *state, const char *path, struct pv_err *err)
{
	const struct pv_entry *entry = pv_state_find(state, path);

	for (size_t i = 0; entry && entry->object_id && i < held->count; i++)
		if (!strcmp(held->objects[i].id, entry->object_id))
			return held->objects[i].fd;
	return pv_err_set(err, "%.200s is not an object of the state", path);
}

void pv_held_close(struct pv_held *held)
{
	for (size_t i = 0; i < held->count; i++)
		close(held->objects[i].fd);
	free(held->objects);
	*held = (struct pv_held){0};
}

static int read_object(
	int storage, const char *object_id, size_t limit, char **text, size_t *length, struct pv_err *err)
{
	cleanup_close int fd = open_object(storage, object_id, err);
	cleanup_free char *read = NULL;
	char hex[PV_SHA256_HEX + 1];

	if (fd < 0 || pv_read_fd(fd, "the object", limit, &read, length, err) < 0 ||
		pv_sha256_bytes(read, *length, hex, err) < 0 || compare_sum(hex, object_id, err) < 0)
		return -1;
	*text = read;
	read = NULL;
	return 0;
}

int pv_objects_read(int storage, const struct pv_state *state, const char *path, size_t limit, char **text,
	size_t *length, struct pv_err *err)
{
	const struct pv_entry *entry = pv_state_find(state, path);

	if (!entry)
		return pv_err_set(err, "%.200s is not in the state", path);
	if (entry->object_id)
		return read_object(storage, entry->object_id, limit, text, length, err) < 0
			       ? pv_err_wrap(err, "object %.*s (%.200s)", SHORT, entry->object_id, path)
			       : 0;
	*length = entry->value->end - entry->value->start;
	*text = pv_dup(state->doc.text + entry->value->start, *length);
	return 0;
}

static int copy_object(int storage, const char *object_id, int to, struct pv_err *err)
{
	cleanup_close int fd = open_object(storage, object_id, err);
	char hex[PV_SHA256_HEX + 1];

	return fd < 0 || pv_sha256_copy(fd, to, hex, err) < 0 ? -1 : compare_sum(hex, object_id, err);
}

int pv_objects_copy(
	int storage, const struct pv_state *state, const struct pv_entry *entry, int to, struct pv_err *err)
{
	if (entry->object_id)
		return copy_object(storage, entry->object_id, to, err) < 0
			       ? pv_err_wrap(
					 err, "object %.*s (%.200s)", SHORT, entry->object_id, entry->path)
			       : 0;
	if (pv_write_all(
		    to, state->doc.text + entry->value->start, entry->value->end - entry->value->start) < 0)
		return pv_err_errno(err, "cannot write %.200s", entry->path);
	return 0;
}
