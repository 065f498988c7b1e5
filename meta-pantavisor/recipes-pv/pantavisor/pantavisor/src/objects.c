/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sha256.h"
#include "util.h"

#define SHORT 12

static int check_sum(const char *path, const char *object_id, struct pv_err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char hex[PV_SHA256_HEX + 1];

	if (fd < 0)
		return pv_err_errno(err, "cannot be opened");
	if (pv_sha256_fd(fd, hex, err) < 0)
		return -1;
	if (strcmp(hex, object_id))
		return pv_err_set(err, "is corrupt, its sha256 is %.*s...", SHORT, hex);
	return 0;
}

static int make_parent(const char *path, struct pv_err *err)
{
	cleanup_free char *parent = pv_dup(path, strlen(path));

	*strrchr(parent, '/') = '\0';
	return pv_mkdirs(parent, 0755, err);
}

static int cure_link(
	const struct pv_checkout *checkout, const char *object, const char *path, struct pv_err *err)
{
	if (!checkout->cure)
		return 0;
	if (make_parent(path, err) < 0)
		return -1;
	if (link(object, path) < 0)
		return pv_err_errno(err, "cannot be linked to %s", path);
	pv_warn("objects", "%s was missing and is linked again", path);
	return 0;
}

static int check_link(const struct pv_checkout *checkout, const struct pv_entry *entry, struct pv_err *err)
{
	cleanup_free char *object = pv_fmt("%s/objects/%s", checkout->storage, entry->object_id);
	cleanup_free char *path = pv_fmt("%s/%s", checkout->trail, entry->path);
	struct stat stored, linked;

	if (lstat(object, &stored) < 0)
		return errno == ENOENT ? pv_err_set(err, "is missing") : pv_err_errno(err, "cannot be seen");
	if (!S_ISREG(stored.st_mode))
		return pv_err_set(err, "is not a regular file");
	if (lstat(path, &linked) < 0)
		return errno == ENOENT || errno == ENOTDIR ? cure_link(checkout, object, path, err)
							   : pv_err_errno(err, "its path cannot be seen");
	if (linked.st_ino != stored.st_ino || linked.st_dev != stored.st_dev)
		return pv_err_set(err, "is not what %s is linked to", path);
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct pv_entry *const *left = a, *const *right = b;

	return strcmp((*left)->object_id, (*right)->object_id);
}

static int check_entry(
	const struct pv_checkout *checkout, const struct pv_entry *entry, bool first, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/objects/%s", checkout->storage, entry->object_id);

	if (check_link(checkout, entry, err) == 0 &&
		(!first || !checkout->checksum || check_sum(path, entry->object_id, err) == 0))
		return 0;
	return pv_err_wrap(err, "object %.*s (%.200s)", SHORT, entry->object_id, entry->path);
}

static int check_objects(
	const struct pv_checkout *checkout, const struct pv_state *state, size_t *objects, struct pv_err *err)
{
	cleanup_free const struct pv_entry **list = pv_alloc(state->entry_count, sizeof(*list));
	size_t count = 0;

	*objects = 0;
	for (size_t i = 0; i < state->entry_count; i++)
		if (state->entries[i].object_id)
			list[count++] = &state->entries[i];
	qsort(list, count, sizeof(*list), compare_ids);
	for (size_t i = 0; i < count; i++) {
		bool first = !i || strcmp(list[i]->object_id, list[i - 1]->object_id);

		if (check_entry(checkout, list[i], first, err) < 0)
			return -1;
		*objects += first;
	}
	return 0;
}

/* What only tools on a host read is not compared, as on published devices. */
static bool is_unread(const char *path)
{
	return pv_ends_with(path, "/src.json") || pv_ends_with(path, "/build.json") ||
	       pv_starts_with(path, "_sigs/");
}

static int check_inline(const struct pv_checkout *checkout, const struct pv_state *state,
	const struct pv_entry *entry, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/%s", checkout->trail, entry->path);
	const char *wanted = state->doc.text + entry->value->start;
	size_t length = entry->value->end - entry->value->start, found;
	cleanup_free char *text = NULL;

	if (!pv_exists(path)) {
		if (!checkout->cure)
			return 0;
		pv_warn("objects", "%s was missing and is written again", path);
		return make_parent(path, err) < 0 ? -1 : pv_write_file(path, wanted, length, err);
	}
	if (pv_read_file(path, PV_JSON_TEXT_BYTES, &text, &found, err) < 0)
		return -1;
	if (found != length || memcmp(text, wanted, length))
		return pv_err_set(err, "%s differs from the state", entry->path);
	return 0;
}

int pv_objects_check(
	const struct pv_checkout *checkout, const struct pv_state *state, size_t *objects, struct pv_err *err)
{
	if (check_objects(checkout, state, objects, err) < 0)
		return -1;
	for (size_t i = 0; i < state->entry_count; i++)
		if (!state->entries[i].object_id && !is_unread(state->entries[i].path) &&
			check_inline(checkout, state, &state->entries[i], err) < 0)
			return -1;
	return 0;
}
