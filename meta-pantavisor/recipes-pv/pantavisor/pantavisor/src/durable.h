/* SPDX-License-Identifier: MIT */
/*
 * What is written on the storage: whole and durable when a function returns 0, and after an error or a
 * power cut either there or not, but never half of it under its name. Paths are relative to the folder
 * `at`; no symbolic link is followed, as beneath.h has it. Descriptors are the caller's to close.
 */
#ifndef PV_DURABLE_H
#define PV_DURABLE_H

#include <stddef.h>

#include "err.h"
#include "fsops.h"

/* Behind the name of a file that is being written. Whatever a cut leaves of it goes at boot. */
#define PV_DURABLE_BESIDE ".pv-beside"
#define PV_DURABLE_DEPTH 160 /* descriptors for the removal of a tree, which may be deeper */

/* A directory, made with those above it where they are missing; its name is not durable yet. */
int pv_durable_mkdirs(struct pv_storage at, const char *path, struct pv_err *err);
/* The directory of the path's last name, made as needed; `name` points into `path`. */
int pv_durable_parent(struct pv_storage at, const char *path, const char **name, struct pv_err *err);
/* A file to append to, which is not made durable. What is not a file of this one name is removed: not even
 * a hard link leads elsewhere. */
int pv_durable_append(struct pv_storage folder, const char *name, struct pv_err *err);
/* All of the bytes into an open file. */
int pv_durable_write_all(const struct pv_fsops *ops, int fd, const void *bytes, size_t length);
/* A new file; refuses a name that is taken. */
int pv_durable_write(
	struct pv_storage at, const char *path, const char *text, size_t length, struct pv_err *err);
/* A file, new or in the place of the one that has the name. */
int pv_durable_replace(
	struct pv_storage at, const char *path, const char *text, size_t length, struct pv_err *err);
/* A directory gets the name by which it counts, in the same folder, or loses it. */
int pv_durable_rename(struct pv_storage folder, const char *from, const char *to, enum pv_barrier why,
	struct pv_err *err);
/* With all below it, if it is there; the rest of a removal that was cut off has the same name. */
int pv_durable_remove_tree(struct pv_storage folder, const char *name, struct pv_err *err);

#endif
