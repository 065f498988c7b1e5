/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include <stdio.h>
#include <string.h>

#define HEAD "# GRUB Environment Block\n"
#define BLOCK 1024

struct copy {
	char generation[LOADER_BYTES], revision[LOADER_BYTES], tried[LOADER_BYTES], previous[LOADER_BYTES];
};

static void value_of(const struct disk_bytes *block, const char *name, char value[LOADER_BYTES])
{
	const char *at = block->bytes, *end = at + block->length;
	size_t length = strlen(name);

	*value = '\0';
	while (at && at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));

		if (!line)
			return;
		if ((size_t)(line - at) > length && !strncmp(at, name, length) && at[length] == '=')
			snprintf(value, LOADER_BYTES, "%.*s", (int)(line - at - (int)length - 1),
				at + length + 1);
		at = line + 1;
	}
}

static bool read_block(
	const struct disk *names, const struct disk *disk, const char *path, struct disk_bytes *block)
{
	short node = disk_find(names, path);

	if (node == GONE)
		return false;
	*block = disk->files[node];
	return block->length == BLOCK && !strncmp(block->bytes, HEAD, strlen(HEAD));
}

static bool read_copy(
	const struct disk *names, const struct disk *disk, const char *path, struct copy *copy)
{
	char last[LOADER_BYTES];
	struct disk_bytes block;

	memset(copy, 0, sizeof(*copy));
	if (!read_block(names, disk, path, &block))
		return false;
	value_of(&block, "pv_gen", copy->generation);
	value_of(&block, "pv_rev", copy->revision);
	value_of(&block, "pv_try", copy->tried);
	value_of(&block, "pv_prev", copy->previous);
	value_of(&block, "pv_end", last);
	return *copy->revision && !strcmp(copy->generation, last);
}

static bool is_bootable(const struct disk *names, const char *revision)
{
	char kernel[256], initrd[256];

	snprintf(kernel, sizeof(kernel), "trails/%s/.pv/pv-kernel.img", revision);
	snprintf(initrd, sizeof(initrd), "trails/%s/.pv/pv-initrd.img", revision);
	return *revision && disk_find(names, kernel) != GONE && disk_find(names, initrd) != GONE;
}

static bool choose(struct loader_choice *choice, const char *revision, bool is_try)
{
	snprintf(choice->revision, sizeof(choice->revision), "%s", revision);
	choice->is_try = is_try;
	return true;
}

bool loader_choose(const struct disk *names, const struct disk *disk, struct loader_choice *choice)
{
	char trying[LOADER_BYTES] = "", last[LOADER_BYTES] = "";
	struct disk_bytes notes;
	bool has_notes = read_block(names, disk, "boot/grubtry", &notes);
	struct copy copy;

	if (has_notes) {
		value_of(&notes, "pv_trying", trying);
		value_of(&notes, "pv_last", last);
	}
	if (!read_copy(names, disk, "boot/grubenv", &copy) &&
		!read_copy(names, disk, "boot/grubenv2", &copy)) {
		memset(&copy, 0, sizeof(copy));
		strcpy(copy.revision, *last ? last : "0");
	}
	strcpy(choice->generation, copy.generation);
	strcpy(choice->trying, trying);
	if (*copy.tried && has_notes && strcmp(trying, copy.generation) && is_bootable(names, copy.tried))
		return choose(choice, copy.tried, true);
	if (is_bootable(names, copy.revision))
		return choose(choice, copy.revision, false);
	if (is_bootable(names, copy.previous))
		return choose(choice, copy.previous, false);
	return is_bootable(names, "0") && choose(choice, "0", false);
}

void loader_note(const struct loader_choice *choice, char block[BLOCK])
{
	int used;

	memset(block, '#', BLOCK);
	/* What it does not change stays. */
	used = choice->is_try ? snprintf(block, BLOCK, HEAD "pv_trying=%s\n", choice->generation)
			      : snprintf(block, BLOCK, HEAD "pv_trying=%s\npv_fails=%s:x\npv_last=%s\n",
					choice->trying, choice->generation, choice->revision);
	block[used] = '#';
}
