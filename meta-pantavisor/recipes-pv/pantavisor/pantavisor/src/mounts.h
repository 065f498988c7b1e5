/* SPDX-License-Identifier: MIT */
/* Mounts that are undone in reverse. */
#ifndef PV_MOUNTS_H
#define PV_MOUNTS_H

#include <stddef.h>

#include "err.h"
#include "verity.h"

#define PV_MS_NOSYMFOLLOW 256 /* as of Linux 5.10; older kernels pass it over */

struct pv_mounts {
	char **targets;
	size_t count, room;
};

/* Makes the target if it is not there. */
int pv_mount(struct pv_mounts *mounts, const char *source, const char *target, const char *type,
	unsigned long flags, const char *options, struct pv_err *err);
/* An open file with a file system in it, read-only, without setuid programs and devices; the type is the
 * suffix of `name`. */
int pv_mount_file(
	struct pv_mounts *mounts, int file, const char *name, const char *target, struct pv_err *err);
/* As pv_mount_file, with every block held against its hash when it is read. */
int pv_mount_verity(struct pv_mounts *mounts, const struct pv_verity *verity, int data, int hashes,
	const char *name, const char *target, struct pv_err *err);
/* The other place of an open directory, with these flags alone. */
int pv_mount_bind(
	struct pv_mounts *mounts, int folder, const char *target, unsigned long flags, struct pv_err *err);
/* What a job mounted. */
void pv_mounts_note(struct pv_mounts *mounts, const char *target);
/* What cannot be unmounted now is detached, and logged. */
void pv_mounts_undo(struct pv_mounts *mounts);
/* All that is mounted below /volumes/<name> and /run/pantavisor/<kind>/<name>, by the kernel's own list. */
void pv_mounts_undo_container(const char *name);

#endif
