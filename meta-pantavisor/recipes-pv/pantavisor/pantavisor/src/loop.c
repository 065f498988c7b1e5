/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <time.h>

#include "clock.h"

/* Waiting in pieces: the time is read again at least so often, and no sum overflows. */
#define LONGEST_MS (60 * 1000)

void pv_loop_init(struct pv_loop *loop, const int *asks, size_t count)
{
	sigemptyset(&loop->asks);
	for (size_t i = 0; i < count; i++)
		sigaddset(&loop->asks, asks[i]);
	loop->all = loop->asks;
	sigaddset(&loop->all, SIGCHLD);
	/* Ignored children would leave nothing to wait for. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &loop->all, NULL);
}

int pv_loop_wait(const struct pv_loop *loop, int64_t until)
{
	const struct timespec none = {0};
	int64_t left = until == PV_LOOP_FOREVER ? LONGEST_MS : until - pv_now_ms();
	struct timespec pause;
	int number = sigtimedwait(&loop->asks, NULL, &none);

	if (number > 0)
		return number;
	left = left < 0 ? 0 : left > LONGEST_MS ? LONGEST_MS : left;
	pause.tv_sec = left / 1000;
	pause.tv_nsec = left % 1000 * 1000000;
	number = sigtimedwait(&loop->all, NULL, &pause);
	return number > 0 ? number : 0;
}
