/* SPDX-License-Identifier: MIT */
#include "stick.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256 /* Linux 5.10 */
#endif
#define ENTRIES 4096
#define NODE "/dev/pv-stick"
#define NO_FILE_SYSTEM 1

static bool read_number(const char *folder, const char *name, const char *file, char text[32])
{
	cleanup_free char *path = pv_fmt("%s/%s/%s", folder, name, file), *found = NULL;
	size_t length;
	struct pv_err err;

	if (pv_read_file(path, 31, &found, &length, &err) < 0)
		return false;
	snprintf(text, 32, "%.*s", (int)strcspn(found, "\n"), found);
	return true;
}

/* A partition's disk knows whether it can be taken out; a disk behind USB can, whatever it reports. */
static bool can_be_taken_out(const char *folder, const char *name)
{
	cleanup_free char *link = pv_fmt("%s/%s", folder, name), *path = realpath(link, NULL);
	char text[32];

	if (!path)
		return false;
	if (strstr(path, "/usb"))
		return true;
	return (read_number(folder, name, "removable", text) && !strcmp(text, "1")) ||
	       (read_number(folder, name, "../removable", text) && !strcmp(text, "1"));
}

static bool read_stick(const char *folder, const char *name, struct stick *stick)
{
	unsigned int major, minor;
	char text[32];

	if (*name == '.' || strlen(name) >= sizeof(stick->name) || !can_be_taken_out(folder, name) ||
		!read_number(folder, name, "dev", text) || sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	strcpy(stick->name, name);
	stick->device = makedev(major, minor);
	stick->arrival = 0;
	if (read_number(folder, name, "diskseq", text) || read_number(folder, name, "../diskseq", text))
		stick->arrival = strtoull(text, NULL, 10);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct stick *first = a, *second = b;

	if (first->arrival != second->arrival)
		return first->arrival < second->arrival ? -1 : 1;
	return strcmp(first->name, second->name);
}

size_t stick_list(const char *folder, struct stick sticks[STICKS])
{
	cleanup_dir DIR *list = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	while (list && count < STICKS && (entry = readdir(list)))
		count += read_stick(folder, entry->d_name, &sticks[count]);
	qsort(sticks, count, sizeof(*sticks), compare);
	return count;
}

bool stick_is_among(const struct stick *stick, const struct stick *sticks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (stick->device == sticks[i].device && compare(stick, &sticks[i]) == 0)
			return true;
	return false;
}

static int mount_node(const char *place, const struct stick *stick, struct pv_err *err)
{
	static const struct {
		const char *type, *options;
		/* Its superblock may ask for a panic at the first error. */
	} kinds[] = {{"ext4", "noload,errors=continue"}, {"vfat", "iocharset=ascii"}, {"exfat", ""}};
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW;

	for (size_t i = 0; i < PV_COUNT(kinds); i++) {
		if (mount(NODE, place, kinds[i].type, flags, kinds[i].options) == 0)
			return 0;
		if (errno == ENOMEDIUM || errno == EIO)
			return pv_err_errno(err, "cannot read %s", stick->name);
	}
	return NO_FILE_SYSTEM;
}

int stick_mount(const struct stick *stick, const char *place, struct pv_err *err)
{
	int done;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return pv_err_errno(err, "cannot have mounts of its own");
	unlink(NODE);
	if (mknod(NODE, S_IFBLK | 0600, stick->device) < 0)
		return pv_err_errno(err, "cannot make a device node");
	done = mount_node(place, stick, err);
	unlink(NODE);
	return done;
}

static bool is_export(const char *name)
{
	static const char *const endings[] = STICK_ENDINGS;

	for (size_t i = 0; i < PV_COUNT(endings); i++)
		if (pv_ends_with(name, endings[i]) && *name != '.')
			return true;
	return false;
}

/* How many there are, negative where not all of the names were looked at; `name` gets the last one. */
static int count_exports(int folder, char name[256])
{
	cleanup_dir DIR *list = fdopendir(dup(folder));
	const struct dirent *entry;
	int count = 0;

	for (int seen = 0; list && (entry = readdir(list)); seen++) {
		if (seen == ENTRIES)
			return -1;
		if (!is_export(entry->d_name))
			continue;
		snprintf(name, 256, "%s", entry->d_name);
		count++;
	}
	return count;
}

int stick_export(const char *place, char name[256], struct pv_err *err)
{
	cleanup_close int folder = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat info;
	int file, count;

	*err = (struct pv_err){0};
	if (folder < 0)
		return pv_err_errno(err, "cannot read %s", place);
	count = count_exports(folder, name);
	if (count < 0)
		return pv_err_set(
			err, "there are more than %d names at its top; use another stick", ENTRIES);
	if (!count)
		return -1;
	if (count > 1)
		return pv_err_set(err, "there are %d exports on it; leave one", count);
	file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode))
		return file;
	pv_cleanup_close(&file);
	return pv_err_set(err, "%s is not a file that can be read", name);
}
