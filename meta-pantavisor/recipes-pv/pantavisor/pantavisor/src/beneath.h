/* SPDX-License-Identifier: MIT */
/*
 * Files below a directory that others may have written, the storage above all: reached by a descriptor of
 * that directory and openat2, so that no symbolic link, no ".." and no link of procfs leads out of it. A
 * path is relative, as pv_path_is() has it; "." is the directory itself. Descriptors are the caller's to
 * close.
 */
#ifndef PV_BENEATH_H
#define PV_BENEATH_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* A directory that is ours, or that the user of --check names: the root of the rest. */
int pv_beneath_root(const char *path, struct pv_err *err);
/* A descriptor, or a negative errno. `flags` as open() has them, but for those that
 * make or empty a file. Never waits, as for the other end of a FIFO. */
int pv_beneath_try(int root, const char *path, int flags);
/* The sentence for such an errno; returns -1. */
int pv_beneath_fail(int number, const char *path, struct pv_err *err);
/* The same with a sentence. */
int pv_beneath_open(int root, const char *path, int flags, struct pv_err *err);
/* A path below a container's root or volume as the container sees it: links lead within that. A descriptor
 * or a negative errno. */
int pv_beneath_in_root(int root, const char *path, int flags);
/* To read; refuses what is not a regular file. */
int pv_beneath_file(int root, const char *path, struct pv_err *err);
/* The whole of a regular file of at most `limit` bytes, NUL after its end. */
int pv_beneath_read(
	int root, const char *path, size_t limit, char **text, size_t *length, struct pv_err *err);
/* True where anything at all has that name, or where that cannot be known. */
bool pv_beneath_has(int root, const char *path);

#endif
