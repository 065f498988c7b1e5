/* SPDX-License-Identifier: MIT */
#include "health.h"

#include "check.h"

static struct pv_json doc;
static struct pv_err err;

static int parse(struct pv_health *health, const char *text)
{
	int done;

	if (pv_json_parse(&doc, text, strlen(text), &err) < 0)
		return -1;
	done = pv_health_parse(health, &doc, pv_json_root(&doc), &err);
	if (done < 0)
		pv_json_free(&doc);
	return done;
}

static void refuses(const char *text, const char *why)
{
	struct pv_health health;

	CHECK(parse(&health, text) < 0);
	CHECK_HAS(err.text, why);
}

static void test_what_is_not_given_is_dockers(void)
{
	struct pv_health health;

	CHECK(parse(&health, "{\"test\":[\"/check\",\"-q\"]}") == 0);
	CHECK(health.interval_s == 30 && health.timeout_s == 30 && health.start_period_s == 0);
	CHECK(health.start_interval_s == 5 && health.retries == 3 && health.test->count == 2);
	pv_json_free(&doc);
	CHECK(pv_health_parse(&health, &doc, NULL, &err) == 0 && !health.test);
}

static void test_what_a_manifest_asks_for_is_bounded(void)
{
	static char words[2 * PV_HEALTH_BYTES];

	refuses("[]", "not an object");
	refuses("{}", "1 to 64 words");
	refuses("{\"test\":[]}", "1 to 64 words");
	refuses("{\"test\":\"true\"}", "1 to 64 words");
	refuses("{\"test\":[\"\"]}", "empty word");
	refuses("{\"test\":[\"a\",5]}", "not a string");
	refuses("{\"test\":[\"a\",\"b\\u0000\"]}", "not a string");
	refuses("{\"test\":[\"a\"],\"interval\":0}", "\"interval\" is not a number from 1 to 86400");
	refuses("{\"test\":[\"a\"],\"timeout\":86401}", "\"timeout\"");
	refuses("{\"test\":[\"a\"],\"start_period\":-1}", "\"start_period\"");
	refuses("{\"test\":[\"a\"],\"start_interval\":\"5\"}", "\"start_interval\"");
	refuses("{\"test\":[\"a\"],\"retries\":1001}", "\"retries\"");
	strcpy(words, "{\"test\":[\"");
	memset(words + strlen(words), 'a', PV_HEALTH_BYTES);
	strcat(words, "\"]}");
	refuses(words, "longer than 8192 bytes");
}

/* Who starts slowly is not ill, but may not take for ever. */
static void test_failures_before_the_first_success_are_not_counted(void)
{
	const struct pv_health health = {
		.interval_s = 10, .start_interval_s = 2, .start_period_s = 5, .retries = 3};
	struct pv_health_course course = {0};

	for (int64_t ran = 1000; ran < 35000; ran += 2000) {
		CHECK(!pv_health_judge(&health, &course, false, ran));
		CHECK(pv_health_pause_ms(&health, &course) == 2000);
	}
	CHECK(pv_health_judge(&health, &course, false, 35000) && course.standing == PV_HEALTH_ILL);
	CHECK(!pv_health_judge(&health, &course, false, 37000));
	/* One that runs on all the same may get well. */
	CHECK(pv_health_judge(&health, &course, true, 47000) && course.standing == PV_HEALTH_WELL);
}

static void test_so_many_failures_in_a_row_are_an_illness(void)
{
	const struct pv_health health = {
		.interval_s = 10, .start_interval_s = 2, .start_period_s = 500, .retries = 3};
	struct pv_health_course course = {0};

	CHECK(pv_health_judge(&health, &course, true, 1000));
	CHECK(!pv_health_judge(&health, &course, true, 11000));
	CHECK(pv_health_pause_ms(&health, &course) == 10000);
	CHECK(!pv_health_judge(&health, &course, false, 21000));
	CHECK(!pv_health_judge(&health, &course, false, 31000));
	CHECK(!pv_health_judge(&health, &course, true, 41000));
	CHECK(!pv_health_judge(&health, &course, false, 51000));
	CHECK(!pv_health_judge(&health, &course, false, 61000));
	/* Within its start period, too: it was well. */
	CHECK(pv_health_judge(&health, &course, false, 71000) && course.failures == 3);
	CHECK_TEXT(pv_health_name(course.standing), "unhealthy");
}

static void test_interval_that_is_shorter_than_that_of_the_start_counts_there_too(void)
{
	const struct pv_health health = {.interval_s = 1, .start_interval_s = 5, .retries = 1};
	const struct pv_health_course course = {0};

	CHECK(pv_health_pause_ms(&health, &course) == 1000);
}

int main(void)
{
	test_what_is_not_given_is_dockers();
	test_what_a_manifest_asks_for_is_bounded();
	test_failures_before_the_first_success_are_not_counted();
	test_so_many_failures_in_a_row_are_an_illness();
	test_interval_that_is_shorter_than_that_of_the_start_counts_there_too();
	return check_done();
}
