/* SPDX-License-Identifier: MIT */
/*
 * What a container prints, on the device's console as well: "<container> | <line>", by a process of its own
 * that reads the container's log. Nothing waits for it, and containers never take all of a serial line: so
 * many bytes a second, of which each that prints has the same part, and what is far behind is left to the
 * log. Control characters become "?".
 */
#ifndef PV_ECHO_H
#define PV_ECHO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "console.h"

#define PV_ECHO_LOOK_MS 250
#define PV_ECHO_LOOK_BYTES 2048 /* printed at each look, by all together */
#define PV_ECHO_PLACES 128	/* more containers share them */
#define PV_ECHO_BEHIND_BYTES (64 * 1024)
#define PV_ECHO_OLDER ".1" /* behind the name of a log that was full, as LXC has it */

/* Memory of all these processes: when each of them printed last, so that one which was killed is not
 * counted for long. In looks since the start: not every CPU of 32 bits has atomic numbers of 64. */
struct pv_echo_budget {
	atomic_uint taken;
	atomic_uint printed_at[PV_ECHO_PLACES];
};

struct pv_echo {
	int storage;
	const char *log; /* its path below that */
	const char *name;
	struct pv_console console;
	ino_t inode;
	off_t at;
	struct pv_echo_budget *budget; /* NULL: it prints alone */
	unsigned place;
	long credit; /* bytes that it may print; less than 0 behind a long line */
};

/* NULL without memory. */
struct pv_echo_budget *pv_echo_budget(void);

/* From the log's present end on. The texts are kept, not copied. */
void pv_echo_init(
	struct pv_echo *echo, int storage, const char *log, const char *name, const char *console);
/* From then on it has its part of what all may print. */
void pv_echo_join(struct pv_echo *echo, struct pv_echo_budget *budget);
/* Prints what came since, whole lines only; `is_last`: and what has no end. True if there may be more. */
bool pv_echo_look(struct pv_echo *echo, bool is_last);
/* A process that does so until its parent, which calls this, has ended; the parent goes on. */
void pv_echo_begin(struct pv_echo *echo);

#endif
