/* SPDX-License-Identifier: MIT */
#include "bootenv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "text.h"

#define NUMBER_BYTES 24
#define DIGITS "0123456789"

static const struct {
	const char *copies[PV_BOOTENV_COPIES];
	const char *head;
	char separator, padding;
} kinds[] = {
	[PV_BOOTENV_GRUB] = {{"boot/grubenv", "boot/grubenv2"}, PV_BOOTENV_GRUB_HEAD, '\n', '#'},
	[PV_BOOTENV_UBOOT] = {{"boot/uboot.txt", "boot/uboot2.txt"}, "", '\0', '\0'},
};

const char *pv_bootenv_path(enum pv_bootenv_kind kind, int copy)
{
	return kinds[kind].copies[copy];
}

bool pv_bootenv_find(enum pv_bootenv_kind kind, const char *block, size_t length, const char *name,
	char value[PV_BOOTENV_VALUE_BYTES])
{
	bool fits = true;
	size_t name_length = strlen(name), at = strlen(kinds[kind].head);

	value[0] = '\0';
	while (at < length) {
		const char *line = block + at, *end = memchr(line, kinds[kind].separator, length - at);
		size_t size = end ? (size_t)(end - line) : length - at;

		/* Two NULs end U-Boot's list; what follows is left from an older one. */
		if (!size && kind == PV_BOOTENV_UBOOT)
			break;
		if (size > name_length && !memcmp(line, name, name_length) && line[name_length] == '=') {
			size_t rest = size - name_length - 1;

			fits = rest < PV_BOOTENV_VALUE_BYTES;
			snprintf(value, PV_BOOTENV_VALUE_BYTES, "%.*s", fits ? (int)rest : 0,
				line + name_length + 1);
		}
		at += size + 1;
	}
	return fits;
}

/* In the one spelling that we write: GRUB compares the texts. */
static bool is_generation(const char *text)
{
	size_t digits = strspn(text, DIGITS);

	return digits && digits < 19 && *text != '0' && !text[digits];
}

void pv_bootenv_find_revision(enum pv_bootenv_kind kind, const char *block, size_t length, const char *name,
	char revision[PV_REVISION_BYTES + 1])
{
	char value[PV_BOOTENV_VALUE_BYTES];

	pv_bootenv_find(kind, block, length, name, value);
	/* Which also bounds its length. */
	if (!pv_revision_is(value))
		value[0] = '\0';
	memcpy(revision, value, strlen(value) + 1);
}

/* "<faults>:<seconds>"; anything else is ignored. */
static void parse_lost(const char *text, struct pv_bootenv *env)
{
	size_t digits = strspn(text, DIGITS), more = text[digits] ? strspn(text + digits + 1, DIGITS) : 0;

	if (digits < 1 || digits > 2 || text[digits] != ':' || more < 1 || more > 9 ||
		text[digits + 1 + more])
		return;
	env->faults = (int)strtol(text, NULL, 10);
	env->longest_s = (int)strtol(text + digits + 1, NULL, 10);
}

bool pv_bootenv_parse(enum pv_bootenv_kind kind, const char *block, size_t length, struct pv_bootenv *env)
{
	size_t head = strlen(kinds[kind].head);
	char first[PV_BOOTENV_VALUE_BYTES], last[PV_BOOTENV_VALUE_BYTES];

	*env = (struct pv_bootenv){0};
	/* Some of U-Boot's files are padded far beyond; what counts is at the beginning. GRUB reads all. */
	if (kind == PV_BOOTENV_UBOOT && length > PV_BOOTENV_BYTES)
		length = PV_BOOTENV_BYTES;
	if (length < head || memcmp(block, kinds[kind].head, head))
		return false;
	/* Other tools write neither. */
	if (!pv_bootenv_find(kind, block, length, "pv_gen", first) ||
		!pv_bootenv_find(kind, block, length, "pv_end", last) || strcmp(first, last) ||
		(*first && !is_generation(first)))
		return false;
	env->generation = strtoull(first, NULL, 10);
	pv_bootenv_find_revision(kind, block, length, "pv_rev", env->revision);
	pv_bootenv_find_revision(kind, block, length, "pv_try", env->tried);
	pv_bootenv_find_revision(kind, block, length, "pv_prev", env->previous);
	pv_bootenv_find(kind, block, length, "pv_lost", first);
	parse_lost(first, env);
	return *env->revision;
}

void pv_bootenv_render(
	enum pv_bootenv_kind kind, const struct pv_bootenv *env, char block[PV_BOOTENV_BYTES])
{
	char number[NUMBER_BYTES], lost[NUMBER_BYTES] = "";
	const struct {
		const char *name, *value;
	} lines[] = {{"pv_gen", number}, {"pv_rev", env->revision}, {"pv_try", env->tried},
		{"pv_prev", env->previous}, {"pv_lost", lost}, {"pv_end", number}};
	size_t at = strlen(kinds[kind].head);

	snprintf(number, sizeof(number), "%" PRIu64, env->generation);
	if (env->longest_s)
		snprintf(lost, sizeof(lost), "%d:%d", env->faults, env->longest_s);
	memset(block, kinds[kind].padding, PV_BOOTENV_BYTES);
	memcpy(block, kinds[kind].head, at);
	for (size_t i = 0; i < PV_COUNT(lines); i++) {
		if (lines[i].value == lost && !*lost)
			continue;
		at += (size_t)snprintf(
			block + at, PV_BOOTENV_BYTES - at, "%s=%s", lines[i].name, lines[i].value);
		block[at++] = kinds[kind].separator;
	}
	/* snprintf wrote a NUL there. */
	block[at] = kinds[kind].padding;
}

bool pv_bootenv_load_copy(int storage, enum pv_bootenv_kind kind, int copy, struct pv_bootenv *env)
{
	cleanup_free char *block = NULL;
	struct pv_err err;
	size_t length;

	return pv_beneath_read(storage, kinds[kind].copies[copy], PV_BOOTENV_FILE_BYTES, &block, &length,
		       &err) == 0 &&
	       pv_bootenv_parse(kind, block, length, env);
}

void pv_bootenv_load(int storage, enum pv_bootenv_kind kind, struct pv_bootenv *env)
{
	if (!pv_bootenv_load_copy(storage, kind, 0, env) && !pv_bootenv_load_copy(storage, kind, 1, env))
		*env = (struct pv_bootenv){0};
}

/* Of a file that was not there: a boot loader sees it, before anything relies on that; or at least the
 * kernel does, where nothing can be brought to its place. */
static int sync_name(struct pv_storage at)
{
	return at.ops->checkpoint(at.root, PV_BARRIER_ENV_NAME) < 0 && errno != ENOTSUP ? -1 : 0;
}

bool pv_bootenv_is_own(enum pv_bootenv_kind kind, const struct stat *info)
{
	return S_ISREG(info->st_mode) && info->st_nlink == 1 &&
	       (kind == PV_BOOTENV_UBOOT || info->st_size <= PV_BOOTENV_BYTES);
}

/* Its length before is in *length. A directory stays: what is in it is not ours. */
static int open_copy(struct pv_storage folder, enum pv_bootenv_kind kind, const char *name, off_t *length)
{
	struct stat before;

	*length = 0;
	if (fstatat(folder.root, name, &before, AT_SYMLINK_NOFOLLOW) == 0) {
		if (pv_bootenv_is_own(kind, &before))
			*length = before.st_size;
		else if (folder.ops->unlink(folder.root, name) < 0)
			return -1;
	}
	return folder.ops->create(folder.root, name, O_WRONLY);
}

/* What else has the directory's name, such as a link to one, no boot loader and no copy may depend on. */
static int clear_folder(struct pv_storage at, const char *path)
{
	cleanup_free char *folder = pv_dup(path, strcspn(path, "/"));
	struct stat info;

	if (fstatat(at.root, folder, &info, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(info.st_mode))
		return 0;
	return at.ops->unlink(at.root, folder);
}

int pv_bootenv_write(struct pv_storage at, enum pv_bootenv_kind kind, const char *path,
	const char block[PV_BOOTENV_BYTES], enum pv_barrier why, struct pv_err *err)
{
	const char *name;
	cleanup_close int folder = -1, fd = -1;
	off_t length;

	if (clear_folder(at, path) < 0)
		return pv_err_errno(err, "cannot make room for %s", path);
	folder = pv_durable_parent(at, path, &name, err);
	if (folder < 0)
		return -1;
	fd = open_copy((struct pv_storage){folder, at.ops}, kind, name, &length);
	if (fd < 0)
		return pv_err_errno(err, "cannot open %s", path);
	if (at.ops->write_at(fd, block, PV_BOOTENV_BYTES, 0) != PV_BOOTENV_BYTES)
		return pv_err_errno(err, "cannot write %s", path);
	if (at.ops->sync_data(fd, why) < 0 || (length < PV_BOOTENV_BYTES && sync_name(at) < 0))
		return pv_err_errno(err, "cannot make %s durable", path);
	return 0;
}

int pv_bootenv_store(
	struct pv_storage at, enum pv_bootenv_kind kind, struct pv_bootenv *env, struct pv_err *err)
{
	struct pv_bootenv other;
	char block[PV_BOOTENV_BYTES];
	int begin = pv_bootenv_load_copy(at.root, kind, 0, &other) ? 1 : 0;

	/* Behind that of either copy: a torn one, or one that an error left, must not count again. */
	for (int copy = 0; copy < PV_BOOTENV_COPIES; copy++)
		if (pv_bootenv_load_copy(at.root, kind, copy, &other) && other.generation > env->generation)
			env->generation = other.generation;
	/* GRUB compares for equality alone, so the last one may be followed by the first. */
	env->generation = env->generation % PV_BOOTENV_GENERATION + 1;
	pv_bootenv_render(kind, env, block);
	/* The one that counts comes last: while it is written the other one has the same. */
	if (pv_bootenv_write(at, kind, kinds[kind].copies[begin], block, PV_BARRIER_ENV_FIRST, err) < 0)
		return -1;
	return pv_bootenv_write(at, kind, kinds[kind].copies[!begin], block, PV_BARRIER_ENV_SECOND, err);
}
