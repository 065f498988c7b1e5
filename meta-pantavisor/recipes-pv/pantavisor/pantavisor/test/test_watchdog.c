/* SPDX-License-Identifier: MIT */
/* Who feeds the watchdog, and when. The device is a file: what was written to it is how often it was fed.
 */
#include "watchdog.h"

#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "log.h"
#include "tree.h"

static struct pv_loop loop;
static struct pv_jobs jobs;

static void begin(struct pv_watchdog *watchdog, const char *mode)
{
	struct pv_config config;

	tree_begin();
	CHECK(chdir(tree_root) == 0);
	tree_file("watchdog", "");
	pv_loop_init(&loop, NULL, 0);
	pv_config_init(&config);
	strcpy(config.value[PV_WDT_MODE], mode);
	strcpy(config.value[PV_WDT_TIMEOUT], "6");
	pv_watchdog_boot(watchdog, &config, &loop, &jobs);
}

static void end(struct pv_watchdog *watchdog)
{
	if (watchdog->is_open)
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
	CHECK(watchdog.is_open && watchdog.feeder > 0);
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

static void test_it_is_not_fed_while_a_job_hangs(void)
{
	struct pv_watchdog watchdog;
	long fed;

	begin(&watchdog, "always");
	pv_watchdog_let_go(&watchdog);
	fed = count_feeds();
	jobs.list[0].given_up = true;
	jobs.count = 1;
	watchdog.timer.at = 0;
	pv_loop_wait(&loop, 0);
	CHECK(count_feeds() == fed && watchdog.timer.at > pv_now_ms());
	jobs.count = 0;
	watchdog.timer.at = 0;
	pv_loop_wait(&loop, 0);
	CHECK(count_feeds() == fed + 1);
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
	CHECK(!watchdog.is_open && !watchdog.feeder);
	pv_watchdog_let_go(&watchdog);
	pv_watchdog_up(&watchdog);
	CHECK(count_feeds() == 0 && !loop.timer_count);
	pv_watchdog_end(&watchdog);
	CHECK(watchdog.is_open && count_feeds() > 0 && loop.timer_count == 1);
	end(&watchdog);
}

static void test_without_a_device_or_its_use_nothing_happens(void)
{
	static const char *const modes[] = {"disabled", "shutdown", "startup", "always"};

	for (size_t i = 0; i < PV_COUNT(modes); i++) {
		struct pv_watchdog watchdog;

		begin(&watchdog, "disabled");
		CHECK(!watchdog.is_open);
		watchdog.mode = (enum pv_watchdog_mode)i;
		if (i)
			tree_unlink("watchdog");
		pv_watchdog_hold(&watchdog);
		pv_watchdog_let_go(&watchdog);
		pv_watchdog_up(&watchdog);
		pv_watchdog_end(&watchdog);
		pv_watchdog_stop(&watchdog);
		CHECK(!watchdog.is_open && !loop.timer_count && count_feeds() <= 0);
		end(&watchdog);
	}
}

int main(void)
{
	pv_log_set_level(-1);
	test_only_the_loop_feeds_it();
	test_it_is_not_fed_while_a_job_hangs();
	test_work_outside_of_the_loop_is_held();
	test_it_begins_with_the_end();
	test_without_a_device_or_its_use_nothing_happens();
	return check_done();
}
