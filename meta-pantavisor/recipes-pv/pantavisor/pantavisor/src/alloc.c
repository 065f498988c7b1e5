/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdlib.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_WAIT_NS 100000000L
#define MEMORY_WAITS 100 /* ten seconds */
#define MEMORY_STATUS 1

void pv_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

void pv_cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void pv_cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Memory that others hold may be freed: the kernel ends some of them for that. Where it is not, a device
 * that restarts is worth more than one that waits; a child, or a command, just ends. */
void pv_memory_wait(int *waits)
{
	struct timespec pause = {.tv_nsec = MEMORY_WAIT_NS};

	if (++*waits < MEMORY_WAITS) {
		nanosleep(&pause, NULL);
		return;
	}
	if (getpid() == 1) {
		sync();
		reboot(RB_AUTOBOOT);
	}
	_exit(MEMORY_STATUS);
}

void *pv_alloc(size_t count, size_t size)
{
	void *memory;
	int waits = 0;

	while (!(memory = calloc(count ? count : 1, size)))
		pv_memory_wait(&waits);
	return memory;
}

void *pv_resize(void *old, size_t count, size_t size)
{
	void *memory;
	int waits = 0;

	while (!(memory = reallocarray(old, count ? count : 1, size)))
		pv_memory_wait(&waits);
	return memory;
}
