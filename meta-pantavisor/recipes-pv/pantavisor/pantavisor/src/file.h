/* SPDX-License-Identifier: MIT */
/* Files of the initramfs and of the kernel, by their paths; what is on the storage is reached through
 * beneath.h. */
#ifndef PV_FILE_H
#define PV_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* A whole regular file of at most `limit` bytes, NUL after the end. */
int pv_read_file(const char *path, size_t limit, char **text, size_t *length, struct pv_err *err);
/* The rest of an open one; `name` is for the sentence. */
int pv_read_fd(int fd, const char *name, size_t limit, char **text, size_t *length, struct pv_err *err);
/* Into an existing file, as sysfs and cgroupfs want it. */
int pv_write_knob(const char *path, const char *text, struct pv_err *err);
/* Writes next to it and renames: after an error the old file is whole. */
int pv_write_file(const char *path, const char *text, size_t length, struct pv_err *err);
typedef ssize_t pv_writer(int fd, const void *bytes, size_t length);
/* All of the bytes, however few are taken at once. */
int pv_write_all_by(pv_writer *writer, int fd, const void *bytes, size_t length);
int pv_write_all(int fd, const void *bytes, size_t length);
/* Closes all from `first` to `last`, by the system call: musl has no function for it. */
void pv_close_range(unsigned first, unsigned last);
int pv_mkdirs(const char *path, mode_t mode, struct pv_err *err);
bool pv_exists(const char *path);
bool pv_is_directory(const char *path);

#endif
