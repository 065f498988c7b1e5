/* SPDX-License-Identifier: MIT */
#include "storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "clock.h"
#include "file.h"
#include "fsck.h"
#include "log.h"
#include "partition.h"
#include "superblock.h"
#include "text.h"

#define POLL_MS 100
#define NO_ONE "4294967294"
#define LITTLE_BYTES (1024 * 1024)
#define LITTLE_INODES 64
#define BLOCK_DIR "/sys/class/block"

static int is_disk(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return *name != '.' && !pv_starts_with(name, "loop") && !pv_starts_with(name, "ram") &&
	       !pv_starts_with(name, "zram");
}

/* A number in a file of /sys; 0 where there is none. */
static uint64_t read_number(const char *name, const char *file)
{
	cleanup_free char *path = pv_fmt(BLOCK_DIR "/%s/%s", name, file);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;

	return pv_read_file(path, 64, &text, &length, &err) < 0 ? 0 : strtoull(text, NULL, 10);
}

/* The disk that a partition is of: the folder above it, where the link of its name leads. */
static char *find_disk(const char *name)
{
	cleanup_free char *link = pv_fmt(BLOCK_DIR "/%s", name);
	char place[PATH_MAX + 1] = "", *slash;

	if (readlink(link, place, PATH_MAX) < 0 || !(slash = strrchr(place, '/')))
		return NULL;
	*slash = '\0';
	slash = strrchr(place, '/');
	return slash ? pv_dup(slash + 1, strlen(slash + 1)) : NULL;
}

static bool has_partition_uuid(const char *name, const char *uuid)
{
	cleanup_free char *disk = find_disk(name);
	cleanup_free char *device = disk ? pv_fmt("/dev/%s", disk) : NULL;
	cleanup_close int fd = device ? open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	const struct pv_partition partition = {
		.disk = fd,
		.number = (unsigned)read_number(name, "partition"),
		.start = read_number(name, "start"),
		.sector = fd < 0 ? 0 : (unsigned)read_number(disk, "queue/logical_block_size"),
	};
	char found[PV_PARTITION_UUID_BYTES];

	return fd >= 0 && pv_partition_uuid(&partition, found) && !strcasecmp(found, uuid);
}

static bool read_superblock(const char *device, struct pv_superblock *superblock)
{
	cleanup_close int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	unsigned char bytes[PV_SUPERBLOCK_BYTES];

	return fd >= 0 && pread(fd, bytes, sizeof(bytes), PV_SUPERBLOCK_OFFSET) == (ssize_t)sizeof(bytes) &&
	       pv_superblock_parse(superblock, bytes, sizeof(bytes));
}

/* An error where it could not be written: it is not mounted then. */
static int write_superblock(const char *device, const unsigned char *bytes, struct pv_err *err)
{
	cleanup_close int fd = open(device, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, bytes, PV_SUPERBLOCK_BYTES, PV_SUPERBLOCK_OFFSET) != PV_SUPERBLOCK_BYTES ||
		fsync(fd) < 0)
		return pv_err_errno(err, "the superblock of %s is torn and cannot be written", device);
	return 1;
}

int pv_storage_repair(const char *device, struct pv_err *err)
{
	cleanup_close int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	unsigned char superblock[PV_SUPERBLOCK_BYTES];

	if (bytes < 0 ||
		pread(fd, superblock, sizeof(superblock), PV_SUPERBLOCK_OFFSET) != sizeof(superblock) ||
		!pv_superblock_repair(superblock, sizeof(superblock), (uint64_t)bytes))
		return 0;
	return write_superblock(device, superblock, err);
}

static bool carries(const char *name, const char *wanted)
{
	cleanup_free char *device = pv_fmt("/dev/%s", name);
	struct pv_superblock superblock;

	if (!read_superblock(device, &superblock))
		return false;
	if (pv_starts_with(wanted, "LABEL="))
		return !strcmp(superblock.label, wanted + strlen("LABEL="));
	return !strcasecmp(superblock.uuid, wanted + strlen("UUID="));
}

static bool is_wanted(const char *name, const char *wanted)
{
	if (pv_starts_with(wanted, "PARTUUID="))
		return has_partition_uuid(name, wanted + strlen("PARTUUID="));
	return carries(name, wanted);
}

/* How many are wanted; *first is a name of /dev of one, in the order of names. */
static size_t search(const char *wanted, char **first)
{
	struct dirent **entries;
	int count = scandir(BLOCK_DIR, &entries, is_disk, alphasort);
	size_t found = 0;

	*first = NULL;
	for (int i = 0; i < count; i++) {
		if (is_wanted(entries[i]->d_name, wanted) && !found++)
			*first = pv_fmt("/dev/%s", entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return found;
}

static size_t find(const char *wanted, char **device)
{
	if (*wanted != '/')
		return search(wanted, device);
	*device = pv_exists(wanted) ? pv_dup(wanted, strlen(wanted)) : NULL;
	return *device ? 1 : 0;
}

static int wait_for(const char *wanted, int wait_s, char **device, struct pv_err *err)
{
	int64_t until = pv_now_ms() + (int64_t)wait_s * 1000;
	struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	size_t found;

	while (!(found = find(wanted, device)) && pv_now_ms() < until)
		nanosleep(&pause, NULL);
	if (found == 1)
		return 0;
	if (!found) {
		pv_err_set(err, "there is no storage %s after %d s", wanted, wait_s);
		pv_err_hint(err, "check PV_STORAGE_DEVICE, and that the modules of the disk are "
				 "in " PV_MODULES_FILE);
		return -1;
	}
	/* One of them is of another disk, and which one cannot be known from what is on them. */
	pv_err_set(err, "%zu partitions match %s, one of them %s", found, wanted, *device);
	pv_err_hint(err, "remove the other disk, or name the partition by pv_storage.device=PARTUUID=");
	return -1;
}

/* The order of data, whatever the superblock asks for; but without a journal ext4 refuses the word. A
 * commit block without a checksum is good by its first sector: where a cut leaves no more of it than that,
 * Linux before 6.18 mounts nothing for the sake of the checksum. And what ext4 keeps back is for who has
 * the right to it, as we have, not for every process of uid 0. */
static const char *options_of(const char *device)
{
	struct pv_superblock superblock;

	return read_superblock(device, &superblock) && !superblock.has_journal
		       ? "resuid=" NO_ONE
		       : "data=ordered,nojournal_checksum,resuid=" NO_ONE;
}

/* Containers run without logs; but what they cannot write they cannot write. */
static void look_at_room(int storage)
{
	struct statvfs room;

	if (fstatvfs(storage, &room) < 0 ||
		((uint64_t)room.f_bfree * room.f_frsize >= LITTLE_BYTES && room.f_ffree >= LITTLE_INODES))
		return;
	pv_warn("storage", "the storage is full, %llu KiB and %llu files are left: there may be no logs",
		(unsigned long long)room.f_bfree * room.f_frsize / 1024, (unsigned long long)room.f_ffree);
}

/* Any other fault is reported by the mount. */
static void repair(const char *device)
{
	struct pv_err err;
	int done = pv_storage_repair(device, &err);

	if (done < 0)
		pv_error("storage", "%s", err.text);
	else if (done)
		pv_warn("storage", "the superblock of %s was torn: its checksum is repaired", device);
}

/* Only where it was one that the kernel mounts: what else may be there is not for e2fsck. */
static int check(const char *device)
{
	struct pv_superblock superblock;
	struct pv_err err;

	if (!pv_fsck_is_there() || !read_superblock(device, &superblock))
		return -1;
	pv_warn("storage", "%s is damaged: e2fsck repairs it, which may take minutes", device);
	if (pv_fsck_repair(device, &err) < 0) {
		pv_error("storage", "%s", err.text);
		return -1;
	}
	pv_warn("storage", "e2fsck has repaired %s", device);
	return 0;
}

static bool has_errors(const char *device)
{
	struct pv_superblock superblock;

	return read_superblock(device, &superblock) && superblock.has_errors;
}

static int mount_storage(struct pv *pv, const char *device, struct pv_err *err)
{
	return pv_mount(&pv->mounts, device, PV_STORAGE_DIR, pv_config_text(&pv->config, PV_STORAGE_FSTYPE),
		MS_NOATIME | MS_NOSUID | MS_NODEV, options_of(device), err);
}

int pv_storage_mount(struct pv *pv, struct pv_err *err)
{
	const char *wanted = pv_config_text(&pv->config, PV_STORAGE_DEVICE);
	cleanup_free char *device = NULL;

	if (wait_for(wanted, pv_config_number(&pv->config, PV_STORAGE_WAIT), &device, err) < 0)
		return -1;
	repair(device);
	if (has_errors(device))
		(void)check(device);
	if (mount_storage(pv, device, err) < 0 && (check(device) < 0 || mount_storage(pv, device, err) < 0))
		return pv_err_wrap(err, "storage");
	pv->storage = pv_beneath_root(PV_STORAGE_DIR, err);
	if (pv->storage < 0)
		return -1;
	pv->has_storage = true;
	pv_info("storage", "%s is %s", wanted, device);
	look_at_room(pv->storage);
	return 0;
}
