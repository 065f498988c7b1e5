/* SPDX-License-Identifier: MIT */
/* Stories of updates as published devices record them, and what no row may lead to. */
#include "update.h"

#include "check.h"

struct story {
	enum pv_progress_status status;
	enum pv_update_way way;
	struct pv_update_step step;
};

static bool go(struct story *story, enum pv_update_event event)
{
	if (!pv_update_next(story->status, event, story->way, &story->step))
		return false;
	story->status = story->step.status;
	return true;
}

static void expect(struct story *story, enum pv_update_event event, enum pv_progress_status status,
	const char *words, enum pv_update_action action)
{
	CHECK(go(story, event));
	CHECK(story->status == status && story->step.action == action);
	if (words)
		CHECK_TEXT(story->step.words, words);
	else
		CHECK(!story->step.words);
}

static void test_update_by_reboot(void)
{
	struct story story = {PV_PROGRESS_NEW, PV_UPDATE_BY_REBOOT, {0}};

	expect(&story, PV_UPDATE_STORED, PV_PROGRESS_NEW, "Update ready to be run", PV_UPDATE_WAIT);
	expect(&story, PV_UPDATE_ASKED, PV_PROGRESS_INPROGRESS, "Rebooting", PV_UPDATE_REBOOT);
	expect(&story, PV_UPDATE_TRIED, PV_PROGRESS_INPROGRESS, "Trying new revision", PV_UPDATE_WAIT);
	expect(&story, PV_UPDATE_REACHED, PV_PROGRESS_TESTING,
		"Awaiting to set rollback point if update is stable", PV_UPDATE_TEST);
	expect(&story, PV_UPDATE_UNSTABLE, PV_PROGRESS_TESTING,
		"Waiting for all containers to become stable", PV_UPDATE_WAIT);
	expect(&story, PV_UPDATE_STABLE, PV_PROGRESS_DONE,
		"Update finished, revision set as rollback point", PV_UPDATE_COMMIT);
}

/* What was accepted without a reboot is not a rollback point before it was tried by one. */
static void test_update_without_reboot_and_its_try(void)
{
	struct story story = {PV_PROGRESS_NEW, PV_UPDATE_LIVE, {0}};

	expect(&story, PV_UPDATE_ASKED, PV_PROGRESS_INPROGRESS,
		"Transitioning to new revision without rebooting", PV_UPDATE_SWITCH);
	expect(&story, PV_UPDATE_REACHED, PV_PROGRESS_TESTING, "Awaiting to see if update is stable",
		PV_UPDATE_TEST);
	expect(&story, PV_UPDATE_STABLE, PV_PROGRESS_UPDATED,
		"Update finished, revision not set as rollback point", PV_UPDATE_WAIT);
	story.way = PV_UPDATE_BY_REBOOT;
	expect(&story, PV_UPDATE_TRIED, PV_PROGRESS_INPROGRESS, "Trying new revision", PV_UPDATE_WAIT);
	expect(&story, PV_UPDATE_REACHED, PV_PROGRESS_TESTING,
		"Awaiting to set rollback point if update is stable", PV_UPDATE_TEST);
}

static void test_failures_return_and_keep_their_reason(void)
{
	static const struct {
		enum pv_update_event event;
		const char *words;
	} ends[] = {
		{PV_UPDATE_MISSED, "Status goal not reached"},
		{PV_UPDATE_LOST, "A container could not be started"},
		{PV_UPDATE_CORRUPT, "Object validation went wrong"},
		{PV_UPDATE_BROKEN, NULL},
	};
	static const enum pv_progress_status running[] = {PV_PROGRESS_INPROGRESS, PV_PROGRESS_TESTING};

	for (size_t i = 0; i < PV_COUNT(ends) * 2 * PV_UPDATE_WAYS; i++) {
		struct story story = {running[i % 2], i / 2 % PV_UPDATE_WAYS, {0}};
		size_t end = i / 2 / PV_UPDATE_WAYS;

		expect(&story, ends[end].event, PV_PROGRESS_ERROR, ends[end].words, PV_UPDATE_RETURN);
		/* The boot behind it. */
		expect(&story, PV_UPDATE_FELL_BACK, PV_PROGRESS_ERROR, NULL, PV_UPDATE_FORGET);
		/* A boot loader that tries it all the same is not believed. */
		expect(&story, PV_UPDATE_TRIED, PV_PROGRESS_ERROR, "Stale revision", PV_UPDATE_RETURN);
		/* By hand it may be run again. */
		CHECK(go(&story, PV_UPDATE_ASKED) && story.status == PV_PROGRESS_INPROGRESS);
	}
}

static void test_what_was_cut_off_is_an_unexpected_rollback(void)
{
	static const enum pv_progress_status cut[] = {
		PV_PROGRESS_NEW, PV_PROGRESS_DOWNLOADING, PV_PROGRESS_INPROGRESS, PV_PROGRESS_TESTING};

	for (size_t i = 0; i < PV_COUNT(cut); i++) {
		struct story story = {cut[i], PV_UPDATE_BY_REBOOT, {0}};

		expect(&story, PV_UPDATE_FELL_BACK, PV_PROGRESS_ERROR, "Unexpected rollback",
			PV_UPDATE_FORGET);
	}
}

static void test_refusal_comes_before_anything_runs(void)
{
	struct story story = {PV_PROGRESS_NEW, PV_UPDATE_LIVE, {0}};

	expect(&story, PV_UPDATE_REFUSED, PV_PROGRESS_WONTGO, NULL, PV_UPDATE_WAIT);
	story.status = PV_PROGRESS_TESTING;
	CHECK(!go(&story, PV_UPDATE_REFUSED) && story.status == PV_PROGRESS_TESTING);
}

/* Of every status, event and way. */
static void test_no_row_leads_astray(void)
{
	for (int status = 0; status < PV_PROGRESS_STATUSES; status++)
		for (int event = 0; event < PV_UPDATE_EVENTS; event++)
			for (int way = 0; way < PV_UPDATE_WAYS; way++) {
				struct story story = {
					(enum pv_progress_status)status, (enum pv_update_way)way, {0}};
				bool was_tested = status == PV_PROGRESS_TESTING;

				if (!go(&story, (enum pv_update_event)event)) {
					/* What runs can always end, and a boot always says what it saw. */
					CHECK(event != PV_UPDATE_FACTORY && event != PV_UPDATE_TRIED);
					continue;
				}
				/* Only what was tested is a rollback point, and only by a reboot. */
				if (story.step.action == PV_UPDATE_COMMIT)
					CHECK(was_tested && way == PV_UPDATE_BY_REBOOT &&
						story.status == PV_PROGRESS_DONE);
				if (story.status == PV_PROGRESS_UPDATED)
					CHECK(was_tested && way == PV_UPDATE_LIVE);
				/* What runs and failed is left; what does not run needs no reboot. */
				if (story.step.action == PV_UPDATE_RETURN)
					CHECK(story.status == PV_PROGRESS_ERROR);
				if (story.status == PV_PROGRESS_WONTGO)
					CHECK(story.step.action == PV_UPDATE_WAIT);
				if (story.step.words)
					CHECK(strlen(story.step.words) <= PV_PROGRESS_MESSAGE);
			}
}

static void test_what_runs_can_always_end(void)
{
	static const enum pv_update_event ends[] = {
		PV_UPDATE_MISSED, PV_UPDATE_LOST, PV_UPDATE_CORRUPT, PV_UPDATE_BROKEN, PV_UPDATE_FELL_BACK};

	for (size_t i = 0; i < PV_COUNT(ends) * PV_UPDATE_WAYS; i++) {
		struct story story = {PV_PROGRESS_INPROGRESS, i % PV_UPDATE_WAYS, {0}};

		CHECK(go(&story, ends[i / PV_UPDATE_WAYS]) && pv_progress_is_failed(story.status));
	}
}

int main(void)
{
	test_update_by_reboot();
	test_update_without_reboot_and_its_try();
	test_failures_return_and_keep_their_reason();
	test_what_was_cut_off_is_an_unexpected_rollback();
	test_refusal_comes_before_anything_runs();
	test_no_row_leads_astray();
	test_what_runs_can_always_end();
	return check_done();
}
