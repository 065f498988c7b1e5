/* SPDX-License-Identifier: MIT */
#include "storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "superblock.h"
#include "util.h"

#define POLL_MS 100
#define BLOCK_DIR "/sys/class/block"

static int is_disk(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return *name != '.' && !pv_starts_with(name, "loop") && !pv_starts_with(name, "ram") &&
	       !pv_starts_with(name, "zram");
}

static bool carries(const char *device, const char *wanted)
{
	cleanup_close int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	unsigned char bytes[PV_SUPERBLOCK_BYTES];
	struct pv_superblock superblock;

	if (fd < 0 || pread(fd, bytes, sizeof(bytes), PV_SUPERBLOCK_OFFSET) != (ssize_t)sizeof(bytes))
		return false;
	if (!pv_superblock_parse(&superblock, bytes, sizeof(bytes)))
		return false;
	if (pv_starts_with(wanted, "LABEL="))
		return !strcmp(superblock.label, wanted + strlen("LABEL="));
	return !strcasecmp(superblock.uuid, wanted + strlen("UUID="));
}

/* In the order of names, so that the choice does not depend on who came up first. */
static char *find_by_content(const char *wanted)
{
	struct dirent **entries;
	int count = scandir(BLOCK_DIR, &entries, is_disk, alphasort);
	char *found = NULL;

	for (int i = 0; i < count; i++) {
		char *device = pv_fmt("/dev/%s", entries[i]->d_name);

		if (!carries(device, wanted)) {
			free(device);
		} else if (found) {
			pv_warn("storage", "%s is %s as well; %s is used", device, wanted, found);
			free(device);
		} else {
			found = device;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return found;
}

static char *find(const char *wanted)
{
	if (pv_starts_with(wanted, "LABEL=") || pv_starts_with(wanted, "UUID="))
		return find_by_content(wanted);
	return pv_exists(wanted) ? pv_dup(wanted, strlen(wanted)) : NULL;
}

int pv_storage_mount(struct pv *pv, struct pv_err *err)
{
	const char *wanted = pv_config_text(&pv->config, PV_STORAGE_DEVICE);
	int wait_s = pv_config_number(&pv->config, PV_STORAGE_WAIT);
	int64_t until = pv_now_ms() + (int64_t)wait_s * 1000;
	struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	cleanup_free char *device = NULL;

	while (!(device = find(wanted)) && pv_now_ms() < until)
		nanosleep(&pause, NULL);
	if (!device) {
		pv_err_set(err, "there is no storage %s after %d s", wanted, wait_s);
		pv_err_hint(err,
			"check PV_STORAGE_DEVICE, and that the modules of the disk are in " PV_MODULES_FILE);
		return -1;
	}
	if (pv_mount(&pv->mounts, device, PV_STORAGE_DIR, pv_config_text(&pv->config, PV_STORAGE_FSTYPE),
		    MS_NOATIME, NULL, err) < 0)
		return pv_err_wrap(err, "storage");
	pv->storage = PV_STORAGE_DIR;
	pv->has_storage = true;
	pv_info("storage", "%s is %s", wanted, device);
	return 0;
}
