/* SPDX-License-Identifier: MIT */
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "verify.h"

#ifndef WATCHDOG_DEVICE
#define WATCHDOG_DEVICE "/dev/watchdog0"
#endif
/* In its timeout: one that comes late is not yet too late. */
#define FEEDS 3

static const char *const modes[] = {[PV_WATCHDOG_DISABLED] = "disabled",
	[PV_WATCHDOG_SHUTDOWN] = "shutdown",
	[PV_WATCHDOG_STARTUP] = "startup",
	[PV_WATCHDOG_ALWAYS] = "always"};

static enum pv_watchdog_mode mode_of(const struct pv_config *config)
{
	const char *name = pv_config_text(config, PV_WDT_MODE);
	size_t i = PV_COUNT(modes) - 1;

	while (i && strcmp(modes[i], name))
		i--;
	return (enum pv_watchdog_mode)i;
}

/* The device has the last word about its time. */
static void set_time(struct pv_watchdog *watchdog)
{
	int time_s = watchdog->timeout_s;

	if ((ioctl(watchdog->fd, WDIOC_SETTIMEOUT, &time_s) < 0 &&
		    ioctl(watchdog->fd, WDIOC_GETTIMEOUT, &time_s) < 0) ||
		time_s < 1)
		time_s = watchdog->timeout_s;
	if (time_s != watchdog->timeout_s)
		pv_warn("watchdog", "the watchdog waits for %d s, not for %d s", time_s,
			watchdog->timeout_s);
	watchdog->timeout_s = time_s;
}

/* One that was stopped still has its descriptor, without which it cannot be opened again. */
static int switch_on(struct pv_watchdog *watchdog)
{
	int on = WDIOS_ENABLECARD;

	if (watchdog->fd >= 0)
		return ioctl(watchdog->fd, WDIOC_SETOPTIONS, &on);
	watchdog->fd = open(WATCHDOG_DEVICE, O_WRONLY | O_CLOEXEC);
	if (watchdog->fd < 0)
		return -1;
	set_time(watchdog);
	return 0;
}

static void begin(struct pv_watchdog *watchdog)
{
	if (watchdog->is_on)
		return;
	if (switch_on(watchdog) < 0) {
		/* By default it is used where there is one. */
		pv_log(watchdog->mode == PV_WATCHDOG_SHUTDOWN ? PV_LOG_DEBUG : PV_LOG_WARN, "watchdog",
			"no watchdog watches this device: " WATCHDOG_DEVICE ": %s", strerror(errno));
		return;
	}
	watchdog->is_on = true;
	pv_watchdog_feed(watchdog);
	pv_info("watchdog", "a watchdog of %d s watches this device", watchdog->timeout_s);
}

void pv_watchdog_feed(const struct pv_watchdog *watchdog)
{
	if (watchdog->is_on)
		(void)!write(watchdog->fd, "", 1);
}

static void look_again(struct pv_watchdog *watchdog)
{
	if (watchdog->is_on)
		pv_loop_arm(watchdog->loop, &watchdog->timer,
			pv_now_ms() + (int64_t)watchdog->timeout_s * 1000 / FEEDS);
}

static void feed_in_time(struct pv_watchdog *watchdog)
{
	pv_watchdog_feed(watchdog);
	look_again(watchdog);
}

/* What hangs in the kernel waits for the storage above all, and does so for ever. */
static void on_time(struct pv_timer *timer, int64_t now)
{
	struct pv_watchdog *watchdog = timer->data;

	(void)now;
	if (pv_jobs_hang(watchdog->jobs)) {
		pv_error("watchdog", "the watchdog is not fed while a job hangs in the kernel");
		look_again(watchdog);
		return;
	}
	if (!watchdog->is_due)
		pv_watchdog_stop(watchdog);
	feed_in_time(watchdog);
}

static void on_hang(void *data)
{
	struct pv_watchdog *watchdog = data;

	if (watchdog->mode != PV_WATCHDOG_DISABLED)
		begin(watchdog);
	look_again(watchdog);
	if (!watchdog->is_on)
		pv_error("watchdog", "no watchdog resets this device, in which a job hangs in the kernel");
}

void pv_watchdog_boot(struct pv_watchdog *watchdog, const struct pv_config *config, struct pv_loop *loop,
	struct pv_jobs *jobs)
{
	*watchdog = (struct pv_watchdog){.mode = mode_of(config),
		.fd = -1,
		.timeout_s = pv_config_number(config, PV_WDT_TIMEOUT),
		.loop = loop,
		.jobs = jobs,
		.timer = {.handle = on_time, .data = watchdog}};
	jobs->on_hang = on_hang;
	jobs->data = watchdog;
	watchdog->is_due = watchdog->mode == PV_WATCHDOG_STARTUP || watchdog->mode == PV_WATCHDOG_ALWAYS;
	if (!watchdog->is_due)
		return;
	begin(watchdog);
	pv_watchdog_hold(watchdog);
}

/* Not for ever: what PID 1 waits for may never come. */
static _Noreturn void feed_for_a_while(const struct pv_watchdog *watchdog)
{
	int64_t until = pv_now_ms() + PV_VERIFY_MS;

	prctl(PR_SET_NAME, "pv-watchdog");
	while (pv_now_ms() < until) {
		pv_watchdog_feed(watchdog);
		usleep((useconds_t)(1000 * 1000 / FEEDS));
	}
	_exit(0);
}

void pv_watchdog_hold(struct pv_watchdog *watchdog)
{
	if (!watchdog->is_on || watchdog->feeder)
		return;
	watchdog->feeder = fork();
	if (!watchdog->feeder)
		feed_for_a_while(watchdog);
	if (watchdog->feeder > 0)
		return;
	watchdog->feeder = 0;
	pv_warn("watchdog", "the watchdog is not fed during a long task: %s", strerror(errno));
}

void pv_watchdog_let_go(struct pv_watchdog *watchdog)
{
	if (watchdog->feeder) {
		kill(watchdog->feeder, SIGKILL);
		waitpid(watchdog->feeder, NULL, 0);
	}
	watchdog->feeder = 0;
	feed_in_time(watchdog);
}

void pv_watchdog_stop(struct pv_watchdog *watchdog)
{
	int off = WDIOS_DISABLECARD;

	if (!watchdog->is_on)
		return;
	/* Some cannot be stopped; those are fed for ever. */
	if (ioctl(watchdog->fd, WDIOC_SETOPTIONS, &off) < 0) {
		pv_warn("watchdog", "the watchdog does not stop: %s", strerror(errno));
		watchdog->is_due = true;
		return;
	}
	pv_loop_disarm(watchdog->loop, &watchdog->timer);
	watchdog->is_on = false;
	pv_info("watchdog", "the watchdog is stopped");
}

void pv_watchdog_up(struct pv_watchdog *watchdog)
{
	if (watchdog->mode != PV_WATCHDOG_STARTUP)
		return;
	watchdog->is_due = false;
	if (!pv_jobs_hang(watchdog->jobs))
		pv_watchdog_stop(watchdog);
}

void pv_watchdog_end(struct pv_watchdog *watchdog)
{
	if (watchdog->mode != PV_WATCHDOG_SHUTDOWN)
		return;
	watchdog->is_due = true;
	begin(watchdog);
	feed_in_time(watchdog);
}
