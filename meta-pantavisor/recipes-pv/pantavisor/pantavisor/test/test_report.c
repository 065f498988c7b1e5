/* SPDX-License-Identifier: MIT */
/* What a device reports about its containers and groups. */
#include "report.h"

#include "ask.h"

static void test_reports(void)
{
	struct pv pv = running(true, true, false);

	task.retries = 2;
	CHECK(order(&pv, &host, PV_CTRL_CONTAINERS, "") == 200);
	CHECK_TEXT(reply.body,
		"[{\"name\":\"web\",\"group\":\"app\",\"status\":\"STARTED\",\"status_goal\":\"STARTED\","
		"\"restart_policy\":\"container\",\"roles\":[\"mgmt\"],\"auto_recovery\":{\"policy\":"
		"\"always\","
		"\"max_retries\":0,\"current_retries\":2,\"stable_timeout\":0,\"is_stable\":true,"
		"\"backoff_policy\":\"reboot\"},\"user_stopped\":false}]");
	CHECK(order(&pv, &host, PV_CTRL_GROUPS, "") == 200);
	CHECK_TEXT(reply.body,
		"[{\"name\":\"app\",\"status\":\"ACHIEVED\",\"status_goal\":\"MOUNTED\","
		"\"restart_policy\":\"container\",\"timeout\":30,\"containers\":[\"web\"]}]");
	task.reached = false;
	order(&pv, &host, PV_CTRL_GROUPS, "");
	CHECK_HAS(reply.body, "\"status\":\"TIMEDOUT\"");
}

/* As many containers as there may be, with the longest names: the document fits. */
static void test_longest_report_fits(void)
{
	static struct pv_container specs[PV_CONTAINERS];
	static struct pv_task waiting[PV_CONTAINERS], *all[PV_CONTAINERS];
	static char names[PV_CONTAINERS][PV_NAME_BYTES + 1];
	static char group[PV_NAME_BYTES + 1];
	struct pv pv = device(PV_STANDING_FACTORY);

	memset(group, 'g', PV_NAME_BYTES);
	for (size_t i = 0; i < PV_CONTAINERS; i++) {
		snprintf(names[i], sizeof(names[i]), "%0*zu", PV_NAME_BYTES, i);
		specs[i] = web;
		specs[i].name = names[i];
		specs[i].recovery = (struct pv_recovery){.given = true,
			.mode = PV_RECOVER_UNLESS_STOPPED,
			.max_retries = 31536000,
			.stable_timeout_s = 31536000,
			.backoff = PV_BACKOFF_AFTER,
			.backoff_s = 360000000};
		waiting[i] = (struct pv_task){
			.spec = &specs[i], .status = PV_STATUS_RECOVERING, .retries = 31536000};
		all[i] = &waiting[i];
	}
	run.state.groups[0].name = group;
	run.tasks = all;
	run.task_count = PV_CONTAINERS;
	CHECK(order(&pv, &host, PV_CTRL_CONTAINERS, "") == 200);
	CHECK(reply.length > 30000 && reply.body[reply.length - 1] == ']');
	CHECK(order(&pv, &host, PV_CTRL_GROUPS, "") == 200);
}

int main(void)
{
	pv_log_set_level(-1);
	test_reports();
	test_longest_report_fits();
	return check_done();
}
