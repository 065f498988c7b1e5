/* SPDX-License-Identifier: MIT */
#include "bootenv.h"

#include <string.h>

#include "beneath.h"
#include "util.h"

static const struct {
	const char *path;
	char separator;
	const char *head;
} kinds[] = {
	[PV_BOOTENV_GRUB] = {"boot/grubenv", '\n', "# GRUB Environment Block\n"},
	[PV_BOOTENV_UBOOT] = {"boot/uboot.txt", '\0', ""},
};

static int take(enum pv_bootenv kind, const char *name, const char *text, size_t size,
	char value[PV_BOOTENV_VALUE_BYTES], struct pv_err *err)
{
	if (size >= PV_BOOTENV_VALUE_BYTES || memchr(text, '\0', size))
		return pv_err_set(err, "%s: the value of %s is too long", kinds[kind].path, name);
	memcpy(value, text, size);
	value[size] = '\0';
	return 0;
}

int pv_bootenv_find(enum pv_bootenv kind, const char *block, size_t length, const char *name,
	char value[PV_BOOTENV_VALUE_BYTES], struct pv_err *err)
{
	size_t head = strlen(kinds[kind].head), name_length = strlen(name), at = head;

	value[0] = '\0';
	/* Some U-Boot files are padded far beyond; what counts stands at the beginning. */
	if (length > PV_BOOTENV_BYTES)
		length = PV_BOOTENV_BYTES;
	if (length < head || memcmp(block, kinds[kind].head, head))
		return pv_err_set(err, "%s does not begin as it should", kinds[kind].path);
	while (at < length) {
		const char *line = block + at, *end = memchr(line, kinds[kind].separator, length - at);
		size_t size = end ? (size_t)(end - line) : length - at;

		/* The last one counts, as for the boot loaders. */
		if (size > name_length && !memcmp(line, name, name_length) && line[name_length] == '=' &&
			take(kind, name, line + name_length + 1, size - name_length - 1, value, err) < 0)
			return -1;
		/* Two NULs end U-Boot's list; what is behind them is an older one's rest. */
		if (!size && kind == PV_BOOTENV_UBOOT)
			break;
		at += size + 1;
	}
	return 0;
}

int pv_bootenv_read(enum pv_bootenv kind, int storage, const char *name, char value[PV_BOOTENV_VALUE_BYTES],
	struct pv_err *err)
{
	cleanup_free char *block = NULL;
	size_t length;

	value[0] = '\0';
	if (!pv_beneath_has(storage, kinds[kind].path))
		return 0;
	if (pv_beneath_read(storage, kinds[kind].path, 64 * PV_BOOTENV_BYTES, &block, &length, err) < 0)
		return -1;
	return pv_bootenv_find(kind, block, length, name, value, err);
}
