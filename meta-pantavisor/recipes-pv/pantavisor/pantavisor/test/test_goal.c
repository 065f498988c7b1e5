/* SPDX-License-Identifier: MIT */
#include "goal.h"

#include "alloc.h"
#include "check.h"

static enum pv_status after(enum pv_status status, enum pv_event event)
{
	pv_status_next(&status, event);
	return status;
}

static void test_life_of_a_container(void)
{
	enum pv_status status = PV_STATUS_INSTALLED;

	CHECK(pv_status_next(&status, PV_EVENT_MOUNTED) && status == PV_STATUS_MOUNTED);
	CHECK(pv_status_next(&status, PV_EVENT_SPAWNED) && status == PV_STATUS_STARTING);
	CHECK(pv_status_next(&status, PV_EVENT_RUNNING) && status == PV_STATUS_STARTED);
	CHECK(pv_status_next(&status, PV_EVENT_READY) && status == PV_STATUS_READY);
	CHECK(pv_status_next(&status, PV_EVENT_RETRY) && status == PV_STATUS_RECOVERING);
	CHECK(pv_status_next(&status, PV_EVENT_SPAWNED) && status == PV_STATUS_STARTING);
	CHECK(pv_status_next(&status, PV_EVENT_STOP) && status == PV_STATUS_STOPPING);
	CHECK(pv_status_next(&status, PV_EVENT_ENDED) && status == PV_STATUS_STOPPED);
}

static void test_ways_that_are_not_there(void)
{
	CHECK(after(PV_STATUS_INSTALLED, PV_EVENT_RUNNING) == PV_STATUS_INSTALLED);
	CHECK(after(PV_STATUS_STOPPING, PV_EVENT_RETRY) == PV_STATUS_STOPPING);
	CHECK(after(PV_STATUS_STARTED, PV_EVENT_MOUNTED) == PV_STATUS_STARTED);
	CHECK(after(PV_STATUS_STOPPED, PV_EVENT_RUNNING) == PV_STATUS_STOPPED);
}

/* From wherever it is, a container that ended is stopped: nothing may be left in between. */
static void test_every_end_is_an_end(void)
{
	for (int i = 0; i < PV_STATUS_COUNT; i++)
		CHECK(after((enum pv_status)i, PV_EVENT_ENDED) == PV_STATUS_STOPPED);
}

static void test_recovering_and_stopped_reach_nothing(void)
{
	for (int i = 0; i < PV_GOAL_COUNT; i++) {
		CHECK(!pv_goal_reached((enum pv_goal)i, PV_STATUS_RECOVERING));
		CHECK(!pv_goal_reached((enum pv_goal)i, PV_STATUS_STOPPING));
		CHECK(!pv_goal_reached((enum pv_goal)i, PV_STATUS_STOPPED));
		CHECK(!pv_goal_reached((enum pv_goal)i, PV_STATUS_INSTALLED));
	}
	CHECK(pv_goal_reached(PV_GOAL_MOUNTED, PV_STATUS_MOUNTED) &&
		pv_goal_reached(PV_GOAL_MOUNTED, PV_STATUS_READY));
	CHECK(!pv_goal_reached(PV_GOAL_STARTED, PV_STATUS_STARTING));
	CHECK(pv_goal_reached(PV_GOAL_STARTED, PV_STATUS_STARTED) &&
		pv_goal_reached(PV_GOAL_STARTED, PV_STATUS_READY));
	CHECK(!pv_goal_reached(PV_GOAL_READY, PV_STATUS_STARTED) &&
		pv_goal_reached(PV_GOAL_READY, PV_STATUS_READY));
}

static void test_group(void)
{
	CHECK(pv_goal_group(0, 0, 0, 0) == PV_ACHIEVED);
	CHECK(pv_goal_group(2, 1, 999, 1000) == PV_UNACHIEVED);
	CHECK(pv_goal_group(2, 1, 1000, 1000) == PV_TIMEDOUT);
	CHECK(pv_goal_group(2, 2, 5000, 1000) == PV_ACHIEVED);
}

static void test_missed_goal_names_container_status_and_reason(void)
{
	cleanup_free char *waits = pv_goal_missed("web", PV_GOAL_READY, PV_STATUS_STARTED, 0);
	cleanup_free char *fails = pv_goal_missed("db", PV_GOAL_STARTED, PV_STATUS_RECOVERING, 127);

	CHECK(!strcmp(waits, "web is STARTED, its goal is READY"));
	CHECK(!strcmp(fails, "db is RECOVERING after status 127, its goal is STARTED"));
}

int main(void)
{
	test_missed_goal_names_container_status_and_reason();
	enum pv_goal goal;

	CHECK(pv_goal_parse("READY", &goal) && goal == PV_GOAL_READY && !pv_goal_parse("ready", &goal));
	test_life_of_a_container();
	test_ways_that_are_not_there();
	test_every_end_is_an_end();
	test_recovering_and_stopped_reach_nothing();
	test_group();
	return check_done();
}
