/* SPDX-License-Identifier: MIT */
/* Memory that is always there, and what gives it and descriptors back at the end of a scope. */
#ifndef PV_ALLOC_H
#define PV_ALLOC_H

#include <dirent.h>
#include <stddef.h>

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
/* For others that need memory: waits once more, and counts. */
void pv_memory_wait(int *waits);

#endif
