/* SPDX-License-Identifier: MIT */
/* A real ext4, which may be frozen. */
#ifndef PV_TEST_EXT4_H
#define PV_TEST_EXT4_H

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define EXT4_BYTES (16L * 1024 * 1024)
#define EXT4_TRIES 500
#define EXT4_TRY_NS 20000000L

/* Its root. */
static inline int ext4_mount(void)
{
	cleanup_free char *disk = tree_path("disk"), *place = tree_path("place");
	const char *const make[] = {"mkfs.ext4", "-q", "-F", disk, NULL};
	const char *const mount[] = {"mount", "-o", "loop", disk, place, NULL};
	int fd = open(disk, O_CREAT | O_RDWR, 0600);

	CHECK(fd >= 0 && ftruncate(fd, EXT4_BYTES) == 0);
	close(fd);
	tree_folder("place");
	world_run(make);
	world_run(mount);
	fd = open(place, O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	return fd;
}

/* Whether it is not frozen any more, soon. */
static inline bool ext4_thaws(int root)
{
	const struct timespec pause = {.tv_nsec = EXT4_TRY_NS};

	for (int i = 0; i < EXT4_TRIES; i++) {
		/* EBUSY where it is frozen. */
		if (ioctl(root, FIFREEZE, 0) == 0)
			return ioctl(root, FITHAW, 0) == 0;
		nanosleep(&pause, NULL);
	}
	ioctl(root, FITHAW, 0);
	return false;
}

#endif
