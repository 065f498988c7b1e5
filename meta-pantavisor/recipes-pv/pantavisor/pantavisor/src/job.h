/* SPDX-License-Identifier: MIT */
/*
 * Work that takes time, or reads what may be hostile, in a child of PID 1: its loop goes on meanwhile, and
 * a crash, a loop or a lack of memory is the child's alone. What a job found comes back as one bounded
 * result, once it ended. A few run at once, the others wait for them; but those that are in order wait for
 * each other alone. Where the kernel refuses a process for now, they wait for one.
 */
#ifndef PV_JOB_H
#define PV_JOB_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "loop.h"

#define PV_JOBS_AT_ONCE 2
#define PV_JOBS 256 /* waiting ones as well */
/* Each that hangs keeps its place and its process: with so many, no other begins. */
#define PV_JOBS_HANGING 8
#define PV_JOB_BYTES 2048
/* A job that does not even end when it is killed hangs in the kernel: nothing waits for it any longer. */
#define PV_JOB_KILL_MS 10000
/* How long one waits where the kernel refuses a process, and how often it is asked again. */
#define PV_JOB_FORK_MS 60000
#define PV_JOB_PAUSE_MS 50 /* doubled by each refusal */
#define PV_JOB_LONGEST_PAUSE_MS 1000

/* It is written to a pipe at once, so it is less than PIPE_BUF. */
struct pv_job_result {
	int done;      /* 0, or negative with the reason */
	bool is_given; /* by the job; else it was cut off */
	struct pv_err err;
	size_t length;
	unsigned char bytes[PV_JOB_BYTES];
};

struct pv_job {
	const char *name; /* not copied; the process has it too */
	/* In the child: fills the result's bytes, returns 0, or a negative number with the sentence in
	 * `err`.
	 */
	int (*work)(void *argument, struct pv_job_result *result);
	/* In PID 1, once for each job that was started. */
	void (*done)(void *argument, const struct pv_job_result *result);
	void *argument;	  /* stays until `done` */
	int64_t limit_ms; /* from its start */
	size_t memory;	  /* that the child may have at most, in bytes; 0: no limit */
	bool in_order;	  /* after all such ones before it, next to all others */
};

struct pv_jobs {
	struct pv_loop *loop;
	struct pv_timer timer;
	/* Where set: each time that one begins to hang. */
	void (*on_hang)(void *data);
	void *data;
	struct pv_jobs_entry {
		struct pv_job job;
		pid_t pid; /* 0: it waits */
		int pipe;
		int64_t asked_at, until;
		bool killed, cancelled, given_up;
	} list[PV_JOBS]; /* in the order of their start */
	size_t count;
	int64_t refused_at; /* the first time since a process was had; 0: none was refused */
	int64_t pause, fork_at;
};

void pv_jobs_init(struct pv_jobs *jobs, struct pv_loop *loop);
/* An error, and no call of `done`, only where there are PV_JOBS already. */
int pv_job_start(struct pv_jobs *jobs, const struct pv_job *job, struct pv_err *err);
/* Ends the jobs of this argument: `done` comes with an error, for one that waits before this returns. */
void pv_job_cancel(struct pv_jobs *jobs, const void *argument);
/* How many of those in order have not ended. */
size_t pv_jobs_in_order(const struct pv_jobs *jobs);
/* Whether one hangs in the kernel. */
bool pv_jobs_hang(const struct pv_jobs *jobs);
/* False if the child was not one of these. */
bool pv_jobs_reaped(struct pv_jobs *jobs, pid_t pid, int wait_status);

#endif
