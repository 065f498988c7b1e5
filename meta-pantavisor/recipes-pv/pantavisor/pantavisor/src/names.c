/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <ctype.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *const reserved[] = {
	"bsp", "_config", "_sigs", "_hostconfig", "objects", "boot", "device.json"};

static bool made_of(const char *name, const char *allowed, size_t limit)
{
	size_t length = strlen(name);

	return length && length <= limit && strspn(name, allowed) == length;
}

bool pv_name_is(const char *name)
{
	return name && made_of(name, ALNUM "._-", PV_NAME_BYTES) && isalnum((unsigned char)*name);
}

bool pv_name_is_container(const char *name)
{
	if (!pv_name_is(name))
		return false;
	for (size_t i = 0; i < PV_COUNT(reserved); i++)
		if (!strcmp(name, reserved[i]))
			return false;
	return true;
}

bool pv_name_is_volume(const char *name)
{
	return name && made_of(name, ALNUM "._-+@=~%", 128) && strcmp(name, ".") && strcmp(name, "..") &&
	       strcmp(name, "src.json") && strcmp(name, "build.json");
}

bool pv_path_is(const char *path)
{
	if (!path || !*path || strlen(path) > PV_PATH_BYTES)
		return false;
	for (const char *at = path; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	for (const char *segment = path;; segment++) {
		size_t length = strcspn(segment, "/");

		if (!length || length > PV_SEGMENT_BYTES || (length == 1 && segment[0] == '.') ||
			(length == 2 && !strncmp(segment, "..", 2)))
			return false;
		segment += length;
		if (!*segment)
			return true;
	}
}

bool pv_revision_is(const char *revision)
{
	if (!revision || strlen(revision) > PV_REVISION_BYTES)
		return false;
	if (pv_starts_with(revision, "locals/"))
		return pv_name_is(revision + strlen("locals/"));
	return made_of(revision, "0123456789", PV_REVISION_DIGITS);
}
