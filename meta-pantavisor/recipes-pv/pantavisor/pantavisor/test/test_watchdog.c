/* SPDX-License-Identifier: MIT */
/* Who feeds the watchdog, and when. The device is a file: what was written to it is how often it was fed;
 * what it is asked by ioctl() is noted. */
#include "watchdog.h"

#include <linux/watchdog.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "log.h"
#include "tree.h"

static struct pv_loop loop;
static struct pv_jobs jobs;
static int options; /* the last ones that were set */
static bool cannot_stop;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	int value;

	(void)fd;
	va_start(rest, request);
	value = *va_arg(rest, int *);
	va_end(rest);
	if (request != WDIOC_SETOPTIONS)
		return 0;
	if (cannot_stop && value == WDIOS_DISABLECARD)
		return -1;
	options = value;
	return 0;
}

/* Its name in glibc where long has 32 bits and time 64. */
int __wrap___ioctl_time64(int fd, unsigned long request, ...) __attribute__((alias("__wrap_ioctl")));

static void begin(struct pv_watchdog *watchdog, const char *mode)
{
	struct pv_config config;

	tree_begin();
	CHECK(chdir(tree_root) == 0);
	tree_file("watchdog", "");
	options = 0;
	pv_loop_init(&loop, NULL, 0);
	pv_jobs_init(&jobs, &loop);
	pv_config_init(&config);
	strcpy(config.value[PV_WDT_MODE], mode);
	strcpy(config.value[PV_WDT_TIMEOUT], "6");
	pv_watchdog_boot(watchdog, &config, &loop, &jobs);
}

static void end(struct pv_watchdog *watchdog)
{
	if (watchdog->fd >= 0)
		close(watchdog->fd);
	pv_loop_free(&loop);
	CHECK(chdir("/") == 0);
	tree_end();
}

static long count_feeds(void)
{
	struct stat info;

	return stat("watchdog", &info) == 0 ? (long)info.st_size : -1;
}

static void test_only_the_loop_feeds_it(void)
{
	struct pv_watchdog watchdog;
	long fed;

	begin(&watchdog, "always");
	CHECK(watchdog.is_on && watchdog.feeder > 0);
	pv_watchdog_let_go(&watchdog);
	CHECK(!watchdog.feeder);
	fed = count_feeds();
	CHECK(fed >= 2 && loop.timer_count == 1);
	CHECK(watchdog.timer.at > pv_now_ms() + 1000 && watchdog.timer.at <= pv_now_ms() + 2000);
	usleep(10 * 1000);
	CHECK(count_feeds() == fed);
	/* Its time has come. */
	watchdog.timer.at = 0;
	pv_loop_wait(&loop, 0);
	CHECK(count_feeds() == fed + 1 && loop.timer_count == 1);
	pv_watchdog_up(&watchdog);
	pv_watchdog_end(&watchdog);
	CHECK(count_feeds() == fed + 1);
	end(&watchdog);
}

/* The moment at which its timer is due. */
static void tick(struct pv_watchdog *watchdog)
{
	watchdog->timer.at = 0;
	pv_loop_wait(&loop, 0);
}

static void begin_to_hang(void)
{
	jobs.list[0].given_up = true;
	jobs.count = 1;
	jobs.on_hang(jobs.data);
}

static void test_it_is_not_fed_while_a_job_hangs(void)
{
	struct pv_watchdog watchdog;
	long fed;

	begin(&watchdog, "always");
	pv_watchdog_let_go(&watchdog);
	fed = count_feeds();
	begin_to_hang();
	tick(&watchdog);
	CHECK(count_feeds() == fed && watchdog.timer.at > pv_now_ms());
	jobs.count = 0;
	tick(&watchdog);
	CHECK(count_feeds() == fed + 1 && !options);
	end(&watchdog);
}

/* Whatever its mode has it watch, such a device would stay so until its power is cut. */
static void test_a_job_that_hangs_begins_it(void)
{
	static const char *const modes[] = {"shutdown", "startup"};

	for (size_t i = 0; i < PV_COUNT(modes); i++) {
		struct pv_watchdog watchdog;
		long fed;

		begin(&watchdog, modes[i]);
		pv_watchdog_let_go(&watchdog);
		pv_watchdog_up(&watchdog);
		CHECK(!watchdog.is_on && !loop.timer_count);
		fed = count_feeds();
		begin_to_hang();
		CHECK(watchdog.is_on && count_feeds() == fed + 1);
		CHECK(!options || options == WDIOS_ENABLECARD);
		tick(&watchdog);
		CHECK(count_feeds() == fed + 1);
		/* It ends after all. */
		jobs.count = 0;
		tick(&watchdog);
		CHECK(!watchdog.is_on && options == WDIOS_DISABLECARD && !loop.timer_count);
		/* And hangs again: the device is not opened twice. */
		begin_to_hang();
		CHECK(watchdog.is_on && options == WDIOS_ENABLECARD && count_feeds() == fed + 2);
		pv_watchdog_up(&watchdog);
		CHECK(watchdog.is_on);
		end(&watchdog);
	}
}

static void test_one_that_cannot_be_stopped_is_fed_for_ever(void)
{
	struct pv_watchdog watchdog;
	long fed;

	begin(&watchdog, "shutdown");
	begin_to_hang();
	jobs.count = 0;
	cannot_stop = true;
	fed = count_feeds();
	for (int i = 1; i <= 3; i++) {
		tick(&watchdog);
		CHECK(watchdog.is_on && watchdog.is_due && count_feeds() == fed + i);
	}
	cannot_stop = false;
	end(&watchdog);
}

static void test_work_outside_of_the_loop_is_held(void)
{
	struct pv_watchdog watchdog;
	long fed;

	begin(&watchdog, "startup");
	pv_watchdog_let_go(&watchdog);
	fed = count_feeds();
	pv_watchdog_hold(&watchdog);
	CHECK(watchdog.feeder > 0);
	while (count_feeds() == fed)
		usleep(1000);
	pv_watchdog_let_go(&watchdog);
	end(&watchdog);
}

static void test_it_begins_with_the_end(void)
{
	struct pv_watchdog watchdog;

	begin(&watchdog, "shutdown");
	CHECK(!watchdog.is_on && !watchdog.feeder);
	pv_watchdog_let_go(&watchdog);
	pv_watchdog_up(&watchdog);
	CHECK(count_feeds() == 0 && !loop.timer_count);
	pv_watchdog_end(&watchdog);
	CHECK(watchdog.is_on && count_feeds() > 0 && loop.timer_count == 1);
	end(&watchdog);
}

static void test_without_a_device_or_its_use_nothing_happens(void)
{
	static const char *const modes[] = {"disabled", "shutdown", "startup", "always"};

	for (size_t i = 0; i < PV_COUNT(modes); i++) {
		struct pv_watchdog watchdog;

		begin(&watchdog, "disabled");
		CHECK(!watchdog.is_on);
		watchdog.mode = (enum pv_watchdog_mode)i;
		if (i)
			tree_unlink("watchdog");
		pv_watchdog_hold(&watchdog);
		pv_watchdog_let_go(&watchdog);
		pv_watchdog_up(&watchdog);
		pv_watchdog_end(&watchdog);
		begin_to_hang();
		pv_watchdog_stop(&watchdog);
		CHECK(!watchdog.is_on && !loop.timer_count && count_feeds() <= 0);
		end(&watchdog);
	}
}

int main(void)
{
	pv_log_set_level(-1);
	test_only_the_loop_feeds_it();
	test_it_is_not_fed_while_a_job_hangs();
	test_a_job_that_hangs_begins_it();
	test_one_that_cannot_be_stopped_is_fed_for_ever();
	test_work_outside_of_the_loop_is_held();
	test_it_begins_with_the_end();
	test_without_a_device_or_its_use_nothing_happens();
	return check_done();
}
