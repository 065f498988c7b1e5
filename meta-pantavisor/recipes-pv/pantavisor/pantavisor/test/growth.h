/* SPDX-License-Identifier: MIT */
/* What a device that runs for years must not gather: memory and open descriptors. */
#ifndef PV_TEST_GROWTH_H
#define PV_TEST_GROWTH_H

#include <dirent.h>
#include <errno.h>
#include <malloc.h>

#include "check.h"

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#define MEMORY() __sanitizer_get_current_allocated_bytes()
#else
#define MEMORY() mallinfo2().uordblks
#endif

struct growth {
	size_t bytes, descriptors;
};

static inline struct growth growth_now(void)
{
	struct growth now = {0};
	DIR *dir = opendir("/proc/self/fd");

	for (errno = 0; dir && readdir(dir); errno = 0)
		now.descriptors++;
	closedir(dir);
	now.bytes = MEMORY();
	return now;
}

static inline void growth_check(struct growth before)
{
	struct growth now = growth_now();

	if (now.bytes > before.bytes || now.descriptors > before.descriptors)
		fprintf(stderr, "%zu bytes and %zu descriptors, before %zu and %zu\n", now.bytes,
			now.descriptors, before.bytes, before.descriptors);
	CHECK(now.bytes <= before.bytes && now.descriptors <= before.descriptors);
}

#endif
