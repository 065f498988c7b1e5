/* SPDX-License-Identifier: MIT */
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "log.h"
#include "loopdev.h"
#include "mapper.h"
#include "text.h"

#define VOLUMES "/volumes/"
#define PLACES "/run/pantavisor/"
#define TARGET_WORD 5 /* of a line: id, parent, device, root, target */

/* Types that may be mounted from a file, and what makes that read without any write. */
static const struct {
	const char *suffix, *type, *options;
} file_types[] = {
	{".squashfs", "squashfs", ""},
	{".erofs", "erofs", ""},
	{".ext4", "ext4", "noload"},
};

void pv_mounts_note(struct pv_mounts *mounts, const char *target)
{
	if (mounts->count == mounts->room) {
		mounts->room = mounts->room ? mounts->room * 2 : 8;
		mounts->targets = pv_resize(mounts->targets, mounts->room, sizeof(*mounts->targets));
	}
	mounts->targets[mounts->count++] = pv_dup(target, strlen(target));
}

int pv_mount(struct pv_mounts *mounts, const char *source, const char *target, const char *type,
	unsigned long flags, const char *options, struct pv_err *err)
{
	if (!pv_exists(target) && pv_mkdirs(target, 0755, err) < 0)
		return -1;
	if (mount(source, target, type, flags, options) < 0)
		return pv_err_errno(err, "cannot mount %s on %s", source, target);
	pv_mounts_note(mounts, target);
	return 0;
}

int pv_mount_bind(
	struct pv_mounts *mounts, int folder, const char *target, unsigned long flags, struct pv_err *err)
{
	cleanup_free char *source = pv_fmt("/proc/self/fd/%d", folder);

	if (pv_mount(mounts, source, target, NULL, MS_BIND, NULL, err) < 0)
		return -1;
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return pv_err_errno(err, "cannot remount %s", target);
	return 0;
}

/* A device whose file system is that of the suffix of `name`. */
static int mount_device(struct pv_mounts *mounts, const char *device, const char *name, const char *target,
	struct pv_err *err)
{
	for (size_t i = 0; i < PV_COUNT(file_types); i++)
		if (pv_ends_with(name, file_types[i].suffix))
			return pv_mount(mounts, device, target, file_types[i].type,
				       MS_RDONLY | MS_NOSUID | MS_NODEV, file_types[i].options, err) < 0
				       ? pv_err_wrap(err, "%s", name)
				       : 0;
	return pv_err_set(err, "%s is not a volume that can be mounted (.squashfs, .erofs, .ext4)", name);
}

int pv_mount_file(
	struct pv_mounts *mounts, int file, const char *name, const char *target, struct pv_err *err)
{
	char device[PV_LOOPDEV_BYTES];
	/* The loop device clears itself once neither this descriptor nor the mount holds it. */
	cleanup_close int fd = pv_loopdev_attach(file, name, device, err);

	return fd < 0 ? -1 : mount_device(mounts, device, name, target, err);
}

int pv_mount_verity(struct pv_mounts *mounts, const struct pv_verity *verity, int data, int hashes,
	const char *name, const char *target, struct pv_err *err)
{
	char data_device[PV_LOOPDEV_BYTES], hash_device[PV_LOOPDEV_BYTES], device[PV_MAPPER_DEVICE_BYTES];
	unsigned char superblock[PV_VERITY_SUPERBLOCK_BYTES] = {0};
	cleanup_close int data_fd = pv_loopdev_attach(data, name, data_device, err);
	cleanup_close int hash_fd = data_fd < 0 ? -1 : pv_loopdev_attach(hashes, name, hash_device, err);
	cleanup_free char *mapper = NULL;
	char table[PV_VERITY_TABLE_BYTES];
	uint64_t sectors;
	int done;

	if (hash_fd < 0)
		return -1;
	/* What is too short has no superblock. */
	(void)!pread(hashes, superblock, sizeof(superblock), 0);
	mapper = pv_fmt("pv-verity-%s", strrchr(data_device, '/') + 1);
	if (pv_verity_table(verity, superblock, data_device, hash_device, table, &sectors, err) < 0 ||
		pv_mapper_open(mapper, "verity", table, sectors, device, err) < 0)
		return -1;
	done = mount_device(mounts, device, name, target, err);
	/* It stays as long as it is mounted. */
	pv_mapper_close(mapper);
	return done;
}

/* Behind "/volumes/" or "/run/pantavisor/<kind>/" comes the container's name, whole. */
static bool is_of_container(const char *target, const char *name)
{
	size_t length = strlen(name);

	if (pv_starts_with(target, VOLUMES)) {
		target += strlen(VOLUMES);
	} else if (pv_starts_with(target, PLACES)) {
		target = strchr(target + strlen(PLACES), '/');
		if (!target++)
			return false;
	} else {
		return false;
	}
	return !strncmp(target, name, length) && (target[length] == '/' || !target[length]);
}

static void note_line(struct pv_mounts *found, char *line, const char *name)
{
	char *target = NULL;

	for (int i = 0; i < TARGET_WORD && line; i++)
		target = strsep(&line, " ");
	if (line && is_of_container(target, name))
		pv_mounts_note(found, target);
}

/* Line by line: a namespace has up to fs.mount-max of them (100,000), and no mount of ours stays for
 * others. */
void pv_mounts_undo_container(const char *name)
{
	FILE *list = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	struct pv_mounts found = {0};
	size_t room = 0;

	if (!list) {
		pv_error("mounts", "cannot read /proc/self/mountinfo: %s", strerror(errno));
		return;
	}
	while (getline(&line, &room, list) > 0)
		note_line(&found, line, name);
	fclose(list);
	pv_mounts_undo(&found);
}

void pv_mounts_undo(struct pv_mounts *mounts)
{
	while (mounts->count) {
		char *target = mounts->targets[--mounts->count];

		if (umount2(target, UMOUNT_NOFOLLOW) < 0 &&
			umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			pv_warn("mounts", "%s was busy and is detached", target);
		free(target);
	}
	free(mounts->targets);
	*mounts = (struct pv_mounts){0};
}
