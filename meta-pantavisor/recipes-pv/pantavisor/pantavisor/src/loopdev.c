/* SPDX-License-Identifier: MIT */
#include "loopdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alloc.h"

/* Another process may take the free device first. */
#define ATTEMPTS 16

static int attach(int control, int file, const char *path, char device[PV_LOOPDEV_BYTES])
{
	struct loop_config config = {
		.fd = (unsigned int)file,
		.info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR},
	};
	int number = ioctl(control, LOOP_CTL_GET_FREE), fd;

	if (number < 0)
		return -1;
	snprintf(device, PV_LOOPDEV_BYTES, "/dev/loop%d", number);
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", path);
	fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
		int kept = errno;

		close(fd);
		errno = kept;
		return -1;
	}
	return fd;
}

int pv_loopdev_attach(int file, const char *name, char device[PV_LOOPDEV_BYTES], struct pv_err *err)
{
	cleanup_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int fd = -1;

	if (control < 0)
		return pv_err_errno(err, "there are no loop devices");
	for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
		fd = attach(control, file, name, device);
		if (fd < 0 && errno != EBUSY)
			break;
	}
	return fd < 0 ? pv_err_errno(err, "no loop device for %s", name) : fd;
}
