/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "early.h"
#include "ending.h"
#include "log.h"
#include "supervise.h"
#include "util.h"

#define FOREVER INT64_MAX
#define DEFAULT_HINT "write an intact image to the storage, signed by a key that this device trusts"

struct loop {
	int epoll, signals, timer;
};

/* What to do when a signal says so. */
static const struct {
	int number;
	enum pv_end end;
	const char *why;
} signal_table[] = {
	{SIGTERM, PV_END_POWEROFF, "asked to power off"},
	{SIGUSR2, PV_END_POWEROFF, "asked to power off"},
	{SIGPWR, PV_END_POWEROFF, "the power fails"},
	{SIGINT, PV_END_REBOOT, "Ctrl-Alt-Del"},
};

static int watch(const struct loop *loop, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return fd < 0 ? -1 : epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_loop(struct loop *loop)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	for (size_t i = 0; i < PV_COUNT(signal_table); i++)
		sigaddset(&wanted, signal_table[i].number);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return loop->epoll < 0 || watch(loop, loop->signals) < 0 || watch(loop, loop->timer) < 0 ? -1 : 0;
}

static void reap(struct pv *pv)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		pv_supervise_reaped(pv, pid, status, pv_now_ms());
}

static void take_signals(struct pv *pv, const struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		for (size_t i = 0; i < PV_COUNT(signal_table); i++)
			if (info.ssi_signo == (uint32_t)signal_table[i].number)
				pv_ending_begin(pv, signal_table[i].end, signal_table[i].why);
	/* One SIGCHLD may stand for many ends. */
	reap(pv);
}

static void set_timer(const struct loop *loop, int64_t next)
{
	struct itimerspec when = {0};

	if (next != FOREVER) {
		when.it_value.tv_sec = next / 1000;
		/* Never 0, which would disarm it. */
		when.it_value.tv_nsec = next % 1000 * 1000000 + 1;
	}
	timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void turn(struct pv *pv, const struct loop *loop)
{
	int64_t next = FOREVER;
	struct epoll_event event;
	uint64_t expired;

	if (!pv->end)
		pv_supervise_tick(pv, pv_now_ms(), &next);
	if (pv->end)
		pv_ending_tick(pv, pv_now_ms(), &next);
	set_timer(loop, next);
	if (epoll_wait(loop->epoll, &event, 1, -1) < 0 && errno != EINTR) {
		struct timespec pause = {.tv_sec = 1};

		pv_error("init", "epoll: %s", strerror(errno));
		nanosleep(&pause, NULL);
	}
	(void)!read(loop->timer, &expired, sizeof(expired));
	take_signals(pv, loop);
}

static void give_up(struct pv *pv, const struct pv_err *err)
{
	pv_log(PV_LOG_FATAL, "boot", "revision %s is unusable: %s", pv->revision, err->text);
	if (pv_revision_decide(pv->standing, PV_OCCASION_UNUSABLE) == PV_ACTION_HALT)
		pv_log(PV_LOG_FATAL, "boot", "this device stops here: %s",
			*err->hint ? err->hint : DEFAULT_HINT);
	else
		pv_ending_begin(pv, PV_END_REBOOT, "the boot loader has the choice");
}

_Noreturn void pv_init(void)
{
	static struct pv pv;
	struct pv_err err = {0};
	struct loop loop;

	pv_early_setup();
	if (open_loop(&loop) < 0)
		pv_log(PV_LOG_FATAL, "init", "no event loop: %s", strerror(errno));
	if (pv_boot(&pv, &err) < 0)
		give_up(&pv, &err);
	for (;;)
		turn(&pv, &loop);
}
