/* SPDX-License-Identifier: MIT */
/* Memory, files and time, the way the rest wants them. */
#ifndef PV_UTIL_H
#define PV_UTIL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "err.h"

#define PV_COUNT(array) (sizeof(array) / sizeof((array)[0]))

void pv_cleanup_free(void *pointer);
void pv_cleanup_close(int *fd);
void pv_cleanup_dir(DIR **dir);
#define cleanup_free __attribute__((cleanup(pv_cleanup_free)))
#define cleanup_close __attribute__((cleanup(pv_cleanup_close)))
#define cleanup_dir __attribute__((cleanup(pv_cleanup_dir)))

/* Zeroed memory. These never return NULL: they wait for memory, and after ten seconds PID 1 reboots and
 * another process ends. */
void *pv_alloc(size_t count, size_t size);
void *pv_resize(void *old, size_t count, size_t size);
char *pv_dup(const char *text, size_t length);
char *pv_fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A whole regular file of at most `limit` bytes, NUL behind the end. Paths here are those of the initramfs
 * and of the kernel; what is on the storage is reached through beneath.h. */
int pv_read_file(const char *path, size_t limit, char **text, size_t *length, struct pv_err *err);
/* The rest of an open one; `name` is for the sentence. */
int pv_read_fd(int fd, const char *name, size_t limit, char **text, size_t *length, struct pv_err *err);
/* Into an existing file, as sysfs and cgroupfs want it. */
int pv_write_knob(const char *path, const char *text, struct pv_err *err);
/* Beside and rename: after an error the old file is whole. */
int pv_write_file(const char *path, const char *text, size_t length, struct pv_err *err);
int pv_write_all(int fd, const void *bytes, size_t length);
/* Of open_memstream: a text that memory did not suffice for ends early, and must not be used. */
int pv_close_text(FILE *stream, struct pv_err *err);
int pv_mkdirs(const char *path, mode_t mode, struct pv_err *err);
bool pv_exists(const char *path);
bool pv_is_directory(const char *path);

bool pv_starts_with(const char *text, const char *prefix);
bool pv_ends_with(const char *text, const char *suffix);
/* Milliseconds since boot; stands still for nobody. */
int64_t pv_now_ms(void);

#endif
