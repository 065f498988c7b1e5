/* SPDX-License-Identifier: MIT */
/*
 * The console, which may be a serial line that nothing drains: writing never waits. What it does not take
 * is kept in a buffer and offered again; lines that do not fit there are left out and counted, and the
 * count is written once there is room. A console that fails is opened again, at most once a second.
 */
#ifndef PV_CONSOLE_H
#define PV_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef PV_CONSOLE_DEVICE
#define PV_CONSOLE_DEVICE "/dev/console"
#endif
#define PV_CONSOLE_BYTES (32 * 1024)

struct pv_console {
	const char *path; /* NULL: none */
	int fd;		  /* -1: not open now */
	int64_t again_at; /* not opened before */
	unsigned long dropped;
	size_t used;
	char waiting[PV_CONSOLE_BYTES];
};

/* What a terminal would obey becomes "?": control characters, of UTF-8 and of 8 bits. */
void pv_console_clean(char *line, size_t length);
void pv_console_init(struct pv_console *console, const char *path);
void pv_console_write(struct pv_console *console, const char *line, size_t length);
/* Offers what waits; true if nothing does any more. */
bool pv_console_flush(struct pv_console *console);

#endif
