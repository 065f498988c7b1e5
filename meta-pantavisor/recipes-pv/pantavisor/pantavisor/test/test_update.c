/* SPDX-License-Identifier: MIT */
/* Stories of updates as published devices record them, and what no row may lead to. */
#include "update.h"

#include "beneath.h"
#include "check.h"
#include "tree.h"

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

static void expect(
	struct story *story, enum pv_update_event event, enum pv_progress_status status, const char *words)
{
	CHECK(go(story, event));
	CHECK(story->status == status);
	if (words)
		CHECK_TEXT(story->step.words, words);
	else
		CHECK(!story->step.words);
}

static void test_update_by_reboot(void)
{
	struct story story = {PV_PROGRESS_NEW, PV_UPDATE_BY_REBOOT, {0}};

	expect(&story, PV_UPDATE_ASKED, PV_PROGRESS_INPROGRESS, "Rebooting");
	expect(&story, PV_UPDATE_TRIED, PV_PROGRESS_INPROGRESS, "Trying new revision");
	expect(&story, PV_UPDATE_REACHED, PV_PROGRESS_TESTING,
		"Awaiting to set rollback point if update is stable");
	expect(&story, PV_UPDATE_UNSTABLE, PV_PROGRESS_TESTING,
		"Waiting for all containers to become stable");
	expect(&story, PV_UPDATE_STABLE, PV_PROGRESS_DONE,
		"Update finished, revision set as rollback point");
}

/* What was accepted without a reboot is not a rollback point before it was tried by one. */
static void test_update_without_reboot_and_its_try(void)
{
	struct story story = {PV_PROGRESS_NEW, PV_UPDATE_LIVE, {0}};

	expect(&story, PV_UPDATE_ASKED, PV_PROGRESS_INPROGRESS,
		"Transitioning to new revision without rebooting");
	expect(&story, PV_UPDATE_REACHED, PV_PROGRESS_TESTING, "Awaiting to see if update is stable");
	expect(&story, PV_UPDATE_STABLE, PV_PROGRESS_UPDATED,
		"Update finished, revision not set as rollback point");
	story.way = PV_UPDATE_BY_REBOOT;
	expect(&story, PV_UPDATE_TRIED, PV_PROGRESS_INPROGRESS, "Trying new revision");
	expect(&story, PV_UPDATE_REACHED, PV_PROGRESS_TESTING,
		"Awaiting to set rollback point if update is stable");
}

static void test_failures_keep_their_reason(void)
{
	static const struct {
		enum pv_update_event event;
		const char *words;
	} ends[] = {
		{PV_UPDATE_MISSED, "Status goal not reached"},
		{PV_UPDATE_LOST, "A container could not be started"},
		{PV_UPDATE_BROKEN, NULL},
	};
	static const enum pv_progress_status running[] = {PV_PROGRESS_INPROGRESS, PV_PROGRESS_TESTING};

	for (size_t i = 0; i < PV_COUNT(ends) * 2 * PV_UPDATE_WAYS; i++) {
		struct story story = {running[i % 2], i / 2 % PV_UPDATE_WAYS, {0}};
		size_t end = i / 2 / PV_UPDATE_WAYS;

		expect(&story, ends[end].event, PV_PROGRESS_ERROR, ends[end].words);
		/* The boot behind it, and any later one. */
		CHECK(!go(&story, PV_UPDATE_FELL_BACK));
		/* It may be run again. */
		expect(&story, PV_UPDATE_ASKED, PV_PROGRESS_INPROGRESS,
			story.way == PV_UPDATE_LIVE ? "Transitioning to new revision without rebooting"
						    : "Rebooting");
	}
}

/* Whatever it was before: the boot that would have noted its try is the one that did not come up. */
static void test_what_was_cut_off_is_an_unexpected_rollback(void)
{
	for (int status = 0; status < PV_PROGRESS_STATUSES; status++) {
		struct story story = {(enum pv_progress_status)status, PV_UPDATE_BY_REBOOT, {0}};

		if (!pv_progress_is_failed(story.status))
			expect(&story, PV_UPDATE_FELL_BACK, PV_PROGRESS_ERROR, "Unexpected rollback");
	}
}

static void test_refusal_comes_before_anything_runs(void)
{
	struct story story = {PV_PROGRESS_NEW, PV_UPDATE_LIVE, {0}};

	expect(&story, PV_UPDATE_REFUSED, PV_PROGRESS_WONTGO, NULL);
	story.status = PV_PROGRESS_TESTING;
	CHECK(!go(&story, PV_UPDATE_REFUSED) && story.status == PV_PROGRESS_TESTING);
}

/* What a cut left of the record of what is committed, and the factory's, which has none. */
static void test_boot_completes_what_is_committed(void)
{
	for (int status = 0; status < PV_PROGRESS_STATUSES; status++) {
		struct story story = {(enum pv_progress_status)status, PV_UPDATE_BY_REBOOT, {0}};

		if (status != PV_PROGRESS_DONE)
			expect(&story, PV_UPDATE_COMMITTED, PV_PROGRESS_DONE,
				"Update finished, revision set as rollback point");
		CHECK(!go(&story, PV_UPDATE_COMMITTED) && !go(&story, PV_UPDATE_FACTORY));
	}
}

/* Of every status, event and way. */
static void test_no_row_leads_astray(void)
{
	for (int status = 0; status < PV_PROGRESS_STATUSES; status++)
		for (int event = 0; event < PV_UPDATE_EVENTS; event++)
			for (int way = 0; way < PV_UPDATE_WAYS; way++) {
				struct story story = {
					(enum pv_progress_status)status, (enum pv_update_way)way, {0}};

				if (!go(&story, (enum pv_update_event)event)) {
					/* What runs can always end, and a boot always says what it tries.
					 */
					CHECK(event != PV_UPDATE_BROKEN && event != PV_UPDATE_TRIED);
					continue;
				}
				/* What was tested has passed, and is a rollback point only by a boot. */
				if (event == PV_UPDATE_STABLE)
					CHECK(status == PV_PROGRESS_TESTING &&
						story.status == (way == PV_UPDATE_LIVE ? PV_PROGRESS_UPDATED
										       : PV_PROGRESS_DONE));
				else
					CHECK(story.status != PV_PROGRESS_UPDATED);
				if (story.status == PV_PROGRESS_WONTGO)
					CHECK(status != PV_PROGRESS_TESTING);
				if (story.step.words)
					CHECK(strlen(story.step.words) <= PV_PROGRESS_MESSAGE);
			}
}

static void check_record(const char *text)
{
	tree_check_text("trails/7/.pv/progress", text);
}

/* The words of the table, else those of the event; logs with a failure alone. */
static void test_records_are_written_by_the_table(void)
{
	struct pv_err err;
	struct pv_storage at;
	struct pv_update_news news = {PV_UPDATE_TRIED, PV_UPDATE_BY_REBOOT, "why", "line"};

	tree_begin();
	at = pv_storage_at(pv_beneath_root(tree_root, &err));
	tree_folder("trails/7/.pv");
	/* A tool that writes no record. */
	CHECK(pv_update_record(at, "7", &news, &err) == 0);
	check_record("{\"progress\":50,\"retries\":0,\"status\":\"INPROGRESS\",\"status-msg\":"
		     "\"Trying new revision\"}");
	news.event = PV_UPDATE_BROKEN;
	CHECK(pv_update_record(at, "7", &news, &err) == 0);
	check_record("{\"progress\":100,\"retries\":0,\"status\":\"ERROR\",\"status-msg\":\"why\","
		     "\"logs\":\"line\"}");
	tree_file("trails/7/.pv/progress", "{\"status\":\"WONTGO\",\"status-msg\":\"as it was\"}");
	news.event = PV_UPDATE_FELL_BACK;
	CHECK(pv_update_record(at, "7", &news, &err) == 0);
	check_record("{\"status\":\"WONTGO\",\"status-msg\":\"as it was\"}");
	CHECK(pv_update_record(at, "8", &(struct pv_update_news){.event = PV_UPDATE_TRIED}, &err) < 0);
	close(at.root);
	tree_end();
}

int main(void)
{
	test_update_by_reboot();
	test_update_without_reboot_and_its_try();
	test_failures_keep_their_reason();
	test_what_was_cut_off_is_an_unexpected_rollback();
	test_refusal_comes_before_anything_runs();
	test_boot_completes_what_is_committed();
	test_no_row_leads_astray();
	test_records_are_written_by_the_table();
	return check_done();
}
