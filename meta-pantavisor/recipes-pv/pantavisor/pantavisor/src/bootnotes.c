/* SPDX-License-Identifier: MIT */
#include "bootnotes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "text.h"

#define NOTES "boot/grubtry"

#define LETTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char *const names[] = {"pv_trying", "pv_fails", "pv_last"};

/* A block of GRUB, or NULL. */
static char *load(int storage, const char *path, size_t *length)
{
	char *block = NULL;
	struct pv_err err;

	if (pv_beneath_read(storage, path, PV_BOOTENV_FILE_BYTES, &block, length, &err) == 0 &&
		!pv_starts_with(block, PV_BOOTENV_GRUB_HEAD)) {
		free(block);
		block = NULL;
	}
	return block;
}

/* Where other tools wrote none, the try's name is GRUB's generation. */
static char *generation_of(const struct pv_bootenv *env)
{
	return env->generation ? pv_fmt("%" PRIu64, env->generation)
			       : pv_dup(env->tried, strlen(env->tried));
}

static int boots_in(int storage, const char *path, const struct pv_bootenv *env)
{
	size_t length;
	cleanup_free char *block = load(storage, path, &length);
	cleanup_free char *generation = generation_of(env), *head = pv_fmt("%s:", generation);
	char value[PV_BOOTENV_VALUE_BYTES];

	if (!block)
		return 0;
	pv_bootenv_find(PV_BOOTENV_GRUB, block, length, "pv_fails", value);
	return pv_starts_with(value, head) ? (int)strspn(value + strlen(head), "x") : 0;
}

int pv_bootnotes_boots(int storage, const struct pv_bootenv *env)
{
	int most = boots_in(storage, NOTES, env);

	for (int copy = 0; copy < PV_BOOTENV_COPIES; copy++) {
		int boots = boots_in(storage, pv_bootenv_path(PV_BOOTENV_GRUB, copy), env);

		most = boots > most ? boots : most;
	}
	return most;
}

/* GRUB adds no value to a block that has no room for it. */
static bool has_room(const char *block)
{
	for (size_t i = PV_BOOTENV_BYTES / 2; i < PV_BOOTENV_BYTES; i++)
		if (block[i] != '#')
			return false;
	return true;
}

static bool is_ready(int storage, const char *notes, size_t length)
{
	struct stat info;

	return notes && length == PV_BOOTENV_BYTES && has_room(notes) &&
	       fstatat(storage, NOTES, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	       pv_bootenv_is_own(PV_BOOTENV_GRUB, &info);
}

/* Without notes that can be read a try may have been made, or not. */
static void fill(
	char block[PV_BOOTENV_BYTES], const char *notes, size_t length, const struct pv_bootenv *env)
{
	size_t at = strlen(PV_BOOTENV_GRUB_HEAD);
	cleanup_free char *spent = generation_of(env);

	memset(block, '#', PV_BOOTENV_BYTES);
	memcpy(block, PV_BOOTENV_GRUB_HEAD, at);
	for (size_t i = 0; i < PV_COUNT(names); i++) {
		char value[PV_BOOTENV_VALUE_BYTES] = "";

		if (notes)
			pv_bootenv_find(PV_BOOTENV_GRUB, notes, length, names[i], value);
		else if (!i && *env->tried)
			snprintf(value, sizeof(value), "%s", spent);
		/* GRUB writes nothing else, and reads some of it otherwise. */
		if (!*value || value[strspn(value, LETTERS "./:_-")])
			continue;
		at += (size_t)snprintf(block + at, PV_BOOTENV_BYTES - at, "%s=%s\n", names[i], value);
		block[at] = '#';
	}
}

int pv_bootnotes_make(struct pv_storage at, const struct pv_bootenv *env, struct pv_err *err)
{
	char block[PV_BOOTENV_BYTES];
	size_t length = 0;
	cleanup_free char *notes = load(at.root, NOTES, &length);

	if (is_ready(at.root, notes, length))
		return 0;
	fill(block, notes, length, env);
	return pv_bootenv_write(at, PV_BOOTENV_GRUB, NOTES, block, PV_BARRIER_ENV_SECOND, err);
}

size_t pv_bootnotes_named(
	int storage, enum pv_bootenv_kind kind, char named[PV_BOOTNOTES_NAMED][PV_REVISION_BYTES + 1])
{
	size_t count = 0, length;
	cleanup_free char *notes = load(storage, NOTES, &length);
	struct pv_bootenv env;

	for (int copy = 0; copy < PV_BOOTENV_COPIES; copy++) {
		if (!pv_bootenv_load_copy(storage, kind, copy, &env))
			continue;
		memcpy(named[count++], env.revision, sizeof(env.revision));
		memcpy(named[count++], env.tried, sizeof(env.tried));
		memcpy(named[count++], env.previous, sizeof(env.previous));
	}
	if (count && notes)
		pv_bootenv_find_revision(PV_BOOTENV_GRUB, notes, length, "pv_last", named[count++]);
	return count;
}
