/* SPDX-License-Identifier: MIT */
/*
 * The door to the storage with a recorder in it: each call is made, in a folder of the machine, and noted
 * with what it changes. A call can be made to fail, and a kind of barrier be left out, as if it had been
 * forgotten.
 */
#ifndef PV_TEST_RECORD_H
#define PV_TEST_RECORD_H

#include "disk.h"
#include "fsops.h"

#define TRACE_CALLS 4096

enum call_kind {
	CALL_NAMES,  /* names change, all of them or none */
	CALL_BYTES,  /* of a file */
	CALL_SYNC,   /* what was done to one file or folder is durable */
	CALL_ALL,    /* what was done to any */
	CALL_HOME,   /* and a boot loader sees it */
	CALL_EXPECT, /* from here on the boot loader may choose these */
	CALL_PROMISE /* from here on this holds */
};

#define EXPECTED 3

struct call {
	enum call_kind kind;
	struct change {
		short folder, name, child;
	} changes[2];
	size_t change_count;
	short node; /* that is written or synced */
	size_t offset, length;
	bool in_place;
	const char *bytes;
	const char *expected[EXPECTED];
	struct promise {
		const char *revision; /* is there, whole */
		const char *status;   /* and its record says this, or what comes behind it */
		const char *path;     /* is there, where it is not about a revision */
	} promise;
};

struct trace {
	struct disk base; /* all of it durable, and seen by a boot loader */
	struct call *calls;
	size_t count;
};

struct recorder {
	struct trace *trace;
	size_t made;		 /* calls, those that failed too */
	size_t fail_at;		 /* this one fails; 0: none */
	size_t good;		 /* calls of the trace before it */
	int fail_errno;		 /* ENOSPC lasts for what needs room, EIO is once */
	enum pv_barrier without; /* PV_BARRIER_COUNT: none is left out */
	size_t left_out;
};
extern struct recorder recorder;
extern const struct pv_fsops record_ops;

/* What is below `root` is the base. */
void record_begin(struct trace *trace, int root);
void record_end(void);
void record_expect(const char *first, const char *second, const char *third);
void record_promise(const char *revision, const char *status);
void record_promise_path(const char *path);
/* A boot loader notes something, in place, and waits until that is written. */
void record_loader(int fd, const char *block, size_t length);
/* The power goes on and off in order: all is durable and at its place. */
void record_reboot(void);

#endif
