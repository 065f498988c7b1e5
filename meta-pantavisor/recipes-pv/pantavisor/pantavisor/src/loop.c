/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"

/* Waiting in pieces: the time is read again at least so often, and no sum overflows. */
#define LONGEST_MS (60 * 1000)
#define BLIND_MS 50 /* without a descriptor that signals wake */

/* The descriptor only wakes: signals are taken by take_signal(). */
static void ignore(struct pv_source *source, short events)
{
	(void)source;
	(void)events;
}

void pv_loop_init(struct pv_loop *loop, const int *asks, size_t count)
{
	*loop = (struct pv_loop){0};
	sigemptyset(&loop->asks);
	for (size_t i = 0; i < count; i++)
		sigaddset(&loop->asks, asks[i]);
	loop->all = loop->asks;
	sigaddset(&loop->all, SIGCHLD);
	/* Ignored children would leave nothing to wait for. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &loop->all, NULL);
	loop->signals = (struct pv_source){.fd = signalfd(-1, &loop->all, SFD_CLOEXEC | SFD_NONBLOCK),
		.events = POLLIN,
		.handle = ignore};
	if (loop->signals.fd >= 0)
		pv_loop_add(loop, &loop->signals);
}

void pv_loop_add(struct pv_loop *loop, struct pv_source *source)
{
	if (loop->source_count == loop->source_room) {
		loop->source_room = loop->source_room ? loop->source_room * 2 : 16;
		loop->sources = pv_resize(loop->sources, loop->source_room, sizeof(*loop->sources));
		loop->polled = pv_resize(loop->polled, loop->source_room, sizeof(*loop->polled));
	}
	loop->sources[loop->source_count++] = source;
}

void pv_loop_remove(struct pv_loop *loop, struct pv_source *source)
{
	for (size_t i = 0; i < loop->source_count; i++)
		if (loop->sources[i] == source)
			loop->sources[i] = NULL;
}

void pv_loop_arm(struct pv_loop *loop, struct pv_timer *timer, int64_t at)
{
	pv_loop_disarm(loop, timer);
	if (loop->timer_count == loop->timer_room) {
		loop->timer_room = loop->timer_room ? loop->timer_room * 2 : 8;
		loop->timers = pv_resize(loop->timers, loop->timer_room, sizeof(*loop->timers));
	}
	timer->at = at;
	loop->timers[loop->timer_count++] = timer;
}

void pv_loop_disarm(struct pv_loop *loop, struct pv_timer *timer)
{
	for (size_t i = 0; i < loop->timer_count; i++)
		if (loop->timers[i] == timer)
			loop->timers[i--] = loop->timers[--loop->timer_count];
}

static int take_signal(const sigset_t *signals)
{
	const struct timespec none = {0};
	int number = sigtimedwait(signals, NULL, &none);

	return number > 0 ? number : 0;
}

static void fill_polled(struct pv_loop *loop)
{
	size_t kept = 0;

	for (size_t i = 0; i < loop->source_count; i++)
		if (loop->sources[i])
			loop->sources[kept++] = loop->sources[i];
	loop->source_count = kept;
	for (size_t i = 0; i < kept; i++)
		loop->polled[i] =
			(struct pollfd){.fd = loop->sources[i]->fd, .events = loop->sources[i]->events};
}

static int64_t time_left(const struct pv_loop *loop, int64_t until)
{
	int64_t left;

	for (size_t i = 0; i < loop->timer_count; i++)
		until = pv_earlier_of(until, loop->timers[i]->at);
	left = until == PV_LOOP_FOREVER ? LONGEST_MS : until - pv_now_ms();
	left = pv_earlier_of(left, loop->signals.fd < 0 ? BLIND_MS : LONGEST_MS);
	return left < 0 ? 0 : left;
}

/* Those that were polled; what a handler adds has its turn at the next time. */
static void call_sources(struct pv_loop *loop, size_t polled)
{
	for (size_t i = 0; i < polled; i++) {
		struct pv_source *source = loop->sources[i];
		short events = loop->polled[i].revents;

		if (!source || !events)
			continue;
		if (events & POLLNVAL) {
			pv_error("loop", "descriptor %d is closed and is not waited for any more",
				source->fd);
			loop->sources[i] = NULL;
		}
		source->handle(source, events);
	}
}

/* A timer that is due; it is taken out, so that its handler may arm it again. */
static struct pv_timer *take_due(struct pv_loop *loop, int64_t now)
{
	for (size_t i = 0; i < loop->timer_count; i++) {
		struct pv_timer *timer = loop->timers[i];

		if (timer->at <= now) {
			loop->timers[i] = loop->timers[--loop->timer_count];
			return timer;
		}
	}
	return NULL;
}

static void call_timers(struct pv_loop *loop)
{
	int64_t now = pv_now_ms();
	struct pv_timer *timer;

	/* As many as there are: one that is armed for now again waits for the next turn. */
	for (size_t left = loop->timer_count; left && (timer = take_due(loop, now)); left--)
		timer->handle(timer, now);
}

int pv_loop_wait(struct pv_loop *loop, int64_t until)
{
	int64_t left = time_left(loop, until);
	const struct timespec pause = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
	int number = take_signal(&loop->asks);
	size_t polled;

	if (number)
		return number;
	fill_polled(loop);
	polled = loop->source_count;
	if (ppoll(loop->polled, polled, &pause, NULL) > 0)
		call_sources(loop, polled);
	call_timers(loop);
	number = take_signal(&loop->asks);
	return number ? number : take_signal(&loop->all);
}

void pv_loop_free(struct pv_loop *loop)
{
	if (loop->signals.fd >= 0)
		close(loop->signals.fd);
	free(loop->sources);
	free(loop->polled);
	free(loop->timers);
	*loop = (struct pv_loop){.signals.fd = -1};
}
