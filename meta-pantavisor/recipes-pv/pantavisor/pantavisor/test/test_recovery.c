/* SPDX-License-Identifier: MIT */
#include "recovery.h"

#include "check.h"

static int parse(const char *text, struct pv_recovery *recovery)
{
	struct pv_json doc;
	struct pv_err err;
	int done;

	if (pv_json_parse(&doc, text, strlen(text), &err) < 0)
		return -2;
	done = pv_recovery_parse(recovery, &doc, pv_json_root(&doc), &err);
	pv_json_free(&doc);
	return done;
}

static void test_parse(void)
{
	struct pv_recovery r;

	CHECK(parse("{\"policy\":\"on-failure\",\"max_retries\":5,\"retry_delay\":5,\"backoff_factor\":1."
		    "5E0,"
		    "\"reset_window\":60,\"stable_timeout\":30,\"backoff_policy\":\"10min\"}",
		      &r) == 0);
	CHECK(r.given && r.mode == PV_RECOVER_ON_FAILURE && r.max_retries == 5 &&
		r.backoff == PV_BACKOFF_AFTER);
	CHECK(r.backoff_s == 600 && r.stable_timeout_s == 30 && r.reset_window_s == 60);
	CHECK(parse("{}", &r) == 0 && r.mode == PV_RECOVER_NO && r.backoff == PV_BACKOFF_REBOOT);
	CHECK(parse("null", &r) == 0 && !r.given);
	CHECK(parse("{\"policy\":\"often\"}", &r) == -1);
	CHECK(parse("{\"max_retries\":-1}", &r) == -1 && parse("{\"max_retries\":\"3\"}", &r) == -1);
	CHECK(parse("{\"backoff_policy\":\"10\"}", &r) == -1 &&
		parse("{\"backoff_policy\":\"s\"}", &r) == -1);
}

static void test_retries_back_off_and_end(void)
{
	struct pv_recovery r = {.given = true,
		.mode = PV_RECOVER_ALWAYS,
		.max_retries = 2,
		.retry_delay_s = 1,
		.backoff_factor = 2};
	int retries = 0;
	int64_t delay;

	CHECK(pv_recovery_judge(&r, 1, 10, &retries, &delay) == PV_VERDICT_RETRY && delay == 1000);
	CHECK(pv_recovery_judge(&r, 0, 10, &retries, &delay) == PV_VERDICT_RETRY && delay == 2000);
	CHECK(pv_recovery_judge(&r, 1, 10, &retries, &delay) == PV_VERDICT_FAILED);
	r.backoff = PV_BACKOFF_AFTER;
	r.backoff_s = 60;
	CHECK(pv_recovery_judge(&r, 1, 10, &retries, &delay) == PV_VERDICT_RETRY && delay == 60000 &&
		retries == 0);
}

static void test_a_long_run_earns_retries_back(void)
{
	struct pv_recovery r = {.given = true,
		.mode = PV_RECOVER_ALWAYS,
		.max_retries = 1,
		.backoff_factor = 1,
		.stable_timeout_s = 30};
	int retries = 1;
	int64_t delay;

	CHECK(pv_recovery_judge(&r, 1, 30000, &retries, &delay) == PV_VERDICT_RETRY && retries == 1);
	CHECK(pv_recovery_judge(&r, 1, 29999, &retries, &delay) == PV_VERDICT_FAILED);
	/* A window of its own counts before that. */
	r.reset_window_s = 60;
	CHECK(pv_recovery_judge(&r, 1, 59999, &retries, &delay) == PV_VERDICT_FAILED);
	CHECK(pv_recovery_judge(&r, 1, 60000, &retries, &delay) == PV_VERDICT_RETRY && retries == 1);
}

static void test_delay_has_a_limit(void)
{
	struct pv_recovery r = {
		.given = true, .mode = PV_RECOVER_ALWAYS, .retry_delay_s = 5, .backoff_factor = 1000};
	int retries = 100000;
	int64_t delay;

	CHECK(pv_recovery_judge(&r, 1, 0, &retries, &delay) == PV_VERDICT_RETRY &&
		delay == PV_RECOVERY_DELAY_MS);
}

static void test_there_is_always_a_pause(void)
{
	struct pv_recovery r = {
		.given = true, .mode = PV_RECOVER_ALWAYS, .retry_delay_s = 1, .backoff_factor = 0};
	int retries = 0;
	int64_t delay;

	for (int64_t wanted = 1000; wanted < 64000; wanted *= 2)
		CHECK(pv_recovery_judge(&r, 0, 9999, &retries, &delay) == PV_VERDICT_RETRY &&
			delay == wanted);
	CHECK(pv_recovery_judge(&r, 0, 9999, &retries, &delay) == PV_VERDICT_RETRY && delay == 60000);
	CHECK(pv_recovery_judge(&r, 0, 10000, &retries, &delay) == PV_VERDICT_RETRY && delay == 1000);
}

int main(void)
{
	struct pv_recovery none = {0}, on_failure = {.given = true, .mode = PV_RECOVER_ON_FAILURE};
	struct pv_recovery until_stopped = {.given = true, .mode = PV_RECOVER_UNLESS_STOPPED};
	int retries = 0;
	int64_t delay;

	CHECK(pv_recovery_judge(&none, 0, 0, &retries, &delay) == PV_VERDICT_REST);
	CHECK(pv_recovery_judge(&none, 3, 0, &retries, &delay) == PV_VERDICT_FAILED);
	CHECK(pv_recovery_judge(&on_failure, 0, 0, &retries, &delay) == PV_VERDICT_REST);
	CHECK(pv_recovery_judge(&on_failure, 1, 0, &retries, &delay) == PV_VERDICT_RETRY);
	for (int status = 0; status < 2; status++)
		CHECK(pv_recovery_judge(&until_stopped, status, 0, &retries, &delay) == PV_VERDICT_RETRY);
	test_parse();
	test_retries_back_off_and_end();
	test_a_long_run_earns_retries_back();
	test_delay_has_a_limit();
	test_there_is_always_a_pause();
	return check_done();
}
