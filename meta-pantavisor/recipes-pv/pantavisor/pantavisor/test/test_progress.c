/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "beneath.h"
#include "tree.h"

static struct pv_err err;

static void test_published_records_are_read(void)
{
	static const char text[] =
		"{\"status\": \"DOWNLOADING\", \"status-msg\": \"Retry 1 of 3\", \"progress\": 25, "
		"\"retries\": 3, \"downloads\": {\"total\": {\"total_size\": 7}}, \"logs\": \"a\\nb\"}";
	struct pv_progress progress;

	CHECK(pv_progress_parse(text, strlen(text), &progress, &err) == 0);
	CHECK(progress.status == PV_PROGRESS_DOWNLOADING && progress.retries == 3);
	CHECK_TEXT(progress.message, "Retry 1 of 3");
	CHECK_TEXT(progress.logs, "a\nb");
	CHECK(pv_progress_parse("{}", 2, &progress, &err) < 0);
	CHECK(pv_progress_parse("{\"status\":\"DONEX\"}", 18, &progress, &err) < 0);
	CHECK(pv_progress_parse("", 0, &progress, &err) < 0);
	CHECK(pv_progress_parse("{\"status\":7,\"status-msg\":[]}", 28, &progress, &err) < 0);
}

static void test_what_is_written_reads_back(void)
{
	for (int i = 0; i < PV_PROGRESS_STATUSES; i++) {
		struct pv_progress progress = {.status = (enum pv_progress_status)i, .retries = i}, back;
		cleanup_free char *text = NULL;

		snprintf(progress.message, sizeof(progress.message), "say \"%s\" \\ twice", "x");
		memset(progress.logs, '"', sizeof(progress.logs) - 1);
		text = pv_progress_render(&progress);
		CHECK(strlen(text) < PV_PROGRESS_BYTES);
		CHECK(pv_progress_parse(text, strlen(text), &back, &err) == 0);
		CHECK(!memcmp(&progress, &back, sizeof(back)));
	}
}

static void test_a_log_may_hold_anything(void)
{
	struct pv_progress progress = {.status = PV_PROGRESS_ERROR, .logs = "\x1b[31m\xff\n"}, back;
	cleanup_free char *text = pv_progress_render(&progress);

	CHECK(pv_progress_parse(text, strlen(text), &back, &err) == 0);
	CHECK_TEXT(back.logs, "?[31m?\n");
}

static void test_the_record_is_that_of_a_revision_that_is_there(void)
{
	struct pv_progress progress;
	struct pv_storage at;

	tree_begin();
	tree_folder("trails/locals/x");
	at = pv_storage_at(pv_beneath_root(tree_root, &err));
	CHECK(pv_progress_note(at, "locals/x", PV_PROGRESS_WONTGO, "no room", &err) == 0);
	tree_check_text("trails/locals/x/.pv/progress",
		"{\"progress\":100,\"retries\":0,\"status\":\"WONTGO\",\"status-msg\":\"no room\"}");
	CHECK(pv_progress_load(at.root, "locals/x", &progress, &err) == 0);
	CHECK(pv_progress_is_failed(progress.status));
	CHECK(pv_progress_note(at, "locals/y", PV_PROGRESS_NEW, "", &err) < 0);
	CHECK(!tree_has("trails/locals/y"));
	close(at.root);
	tree_end();
}

int main(void)
{
	test_published_records_are_read();
	test_what_is_written_reads_back();
	test_a_log_may_hold_anything();
	test_the_record_is_that_of_a_revision_that_is_there();
	return check_done();
}
