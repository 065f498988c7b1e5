/* SPDX-License-Identifier: MIT */
/*
 * Waiting, for PID 1: for descriptors, for a child that ended, for a signal that asks for something, or
 * until a time. A handler does bounded work and never waits; what takes longer is a job (job.h). Waiting
 * itself needs no memory, and without a descriptor for signals they are still seen.
 */
#ifndef PV_LOOP_H
#define PV_LOOP_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#define PV_LOOP_FOREVER INT64_MAX

/* Both are their owner's memory, which stays where it is until they are removed. */
struct pv_source {
	int fd;
	short events; /* as poll() has them; may be changed at any time */
	/* May add and remove sources, this one too. */
	void (*handle)(struct pv_source *source, short events);
	void *data;
};

struct pv_timer {
	int64_t at;
	void (*handle)(struct pv_timer *timer, int64_t now);
	void *data;
};

struct pv_loop {
	sigset_t asks, all; /* without and with SIGCHLD */
	struct pv_source signals;
	struct pv_source **sources; /* NULL where one was removed */
	struct pollfd *polled;
	size_t source_count, source_room;
	struct pv_timer **timers;
	size_t timer_count, timer_room;
};

/* Blocks SIGCHLD and `count` signals that ask for something, for ever. */
void pv_loop_init(struct pv_loop *loop, const int *asks, size_t count);
void pv_loop_add(struct pv_loop *loop, struct pv_source *source);
void pv_loop_remove(struct pv_loop *loop, struct pv_source *source);
/* Calls the timer's handler once, when pv_now_ms() is `at` or later. */
void pv_loop_arm(struct pv_loop *loop, struct pv_timer *timer, int64_t at);
void pv_loop_disarm(struct pv_loop *loop, struct pv_timer *timer);
/*
 * Waits until something happens or pv_now_ms() is `until`, and calls the handlers of what is ready and due,
 * each once. Returns a signal that came, or 0. One that asks is returned before a SIGCHLD that waits as
 * well, and before any handler: neither a storm of children nor one of callers hides a request.
 */
int pv_loop_wait(struct pv_loop *loop, int64_t until);
void pv_loop_free(struct pv_loop *loop);

#endif
