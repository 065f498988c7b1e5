/* SPDX-License-Identifier: MIT */
/* USB sticks and cards: found, and looked into without trust. */
#ifndef PV_SDK_STICK_H
#define PV_SDK_STICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define STICK_NAME_BYTES 32
#define STICKS 64
/* What ends so is taken for an export, at the top of the stick's file system. */
#define STICK_ENDINGS                              \
	{                                          \
		".pvrexport.tgz", ".pvrexport.tar" \
	}

struct stick {
	char name[STICK_NAME_BYTES]; /* of the disk or partition: sda1 */
	dev_t device;
	/* The kernel counts what it is given to read, from Linux 5.15 on; 0 before. */
	uint64_t arrival;
};

/* All that can be taken out, from `folder` (/sys/class/block); how many, at most STICKS. In the order in
 * which they came, then by name. */
size_t stick_list(const char *folder, struct stick sticks[STICKS]);
/* Another stick in the same socket has the name of the one before. */
bool stick_is_among(const struct stick *stick, const struct stick *sticks, size_t count);
/* Mounts it at `place`, for this process and its children alone: read-only, without devices, programs,
 * setuid and symbolic links. Positive where it has no file system of a known kind. */
int stick_mount(const struct stick *stick, const char *place, struct pv_err *err);
/* The one export at the top of `folder`: a descriptor of it and its name; negative for none (`err` is empty
 * then), for several, and for what is not a plain file. */
int stick_export(const char *folder, char name[256], struct pv_err *err);

#endif
