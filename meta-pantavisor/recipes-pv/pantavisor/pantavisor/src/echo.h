/* SPDX-License-Identifier: MIT */
/*
 * What a container prints, on the device's console as well: "<container> | <line>", by a process of its own
 * that reads the container's log. Nothing waits for it, and one container never takes all of a serial line:
 * so many bytes a second, and what is far behind is left to the log. Several that flood it share no limit.
 * Control characters become "?".
 */
#ifndef PV_ECHO_H
#define PV_ECHO_H

#include <stdbool.h>
#include <sys/types.h>

#include "console.h"

#define PV_ECHO_LOOK_MS 250
#define PV_ECHO_LOOK_BYTES 2048 /* printed at each look */
#define PV_ECHO_BEHIND_BYTES (64 * 1024)
#define PV_ECHO_OLDER ".1" /* behind the name of a log that was full, as LXC has it */

struct pv_echo {
	int storage;
	const char *log; /* its path below that */
	const char *name;
	struct pv_console console;
	ino_t inode;
	off_t at;
};

/* From the log's present end on. The texts are kept, not copied. */
void pv_echo_init(
	struct pv_echo *echo, int storage, const char *log, const char *name, const char *console);
/* Prints what came since, whole lines only; `is_last`: and what has no end. True if there may be more. */
bool pv_echo_look(struct pv_echo *echo, bool is_last);
/* A process that does so until its parent, which calls this, has ended; the parent goes on. */
void pv_echo_begin(struct pv_echo *echo);

#endif
