/* SPDX-License-Identifier: MIT */
/* What is recorded of a try: by what became of it, in the words of published devices. */
#include "record.h"

#include "life.h"
#include "text.h"

/* A device that tries revision 7, as its boot recorded it. */
static struct pv tried(void)
{
	struct pv pv = stored("3", "7", PV_STANDING_TRIED);
	struct pv_err err;

	tree_folder("trails/7/.pv");
	pv_log_set_level(PV_LOG_INFO);
	pv_info("test", "last line");
	pv_log_set_level(-1);
	CHECK(pv_progress_note(pv_storage_at(pv.storage), "7", PV_PROGRESS_INPROGRESS,
		      "Trying new revision", &err) == 0);
	return pv;
}

static struct pv_progress read_back(struct pv *pv)
{
	struct pv_progress progress = {0};
	struct pv_err err;

	wait_for_jobs(pv);
	CHECK(pv_progress_load(pv->storage, "7", &progress, &err) == 0);
	return progress;
}

static void check_end(struct pv *pv, enum pv_progress_status status, const char *words)
{
	struct pv_progress progress = read_back(pv);

	CHECK(progress.status == status);
	CHECK_TEXT(progress.message, words);
	CHECK(pv_ends_with(progress.logs, pv_progress_is_failed(status) ? "test: last line\n" : ""));
	CHECK(pv_progress_is_failed(status) || !*progress.logs);
	close(pv->storage);
	tree_end();
}

static void test_try_that_runs_well(void)
{
	struct pv pv = tried();

	tick(&pv, 1);
	tick(&pv, 2);
	CHECK(read_back(&pv).status == PV_PROGRESS_TESTING);
	tick(&pv, 2 + 25 * SECOND);
	check_end(&pv, PV_PROGRESS_DONE, "Update finished, revision set as rollback point");
}

static void test_try_that_misses_its_goals(void)
{
	struct pv pv = tried();

	world.has_init = false;
	tick(&pv, 1);
	tick(&pv, 31 * SECOND);
	CHECK(pv.end == PV_END_REBOOT);
	check_end(&pv, PV_PROGRESS_ERROR, "Status goal not reached");
}

static void test_try_that_does_not_become_stable(void)
{
	struct pv pv = tried();
	int64_t stable;

	tick(&pv, 1);
	tick(&pv, 2);
	stable = pv.run->stable_at;
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, stable - 1);
	world.has_init = false;
	tick(&pv, stable);
	tick(&pv, stable + 120 * SECOND);
	CHECK(pv.end == PV_END_REBOOT);
	check_end(&pv, PV_PROGRESS_ERROR, "Status goal not reached");
}

static void test_try_that_loses_a_container(void)
{
	struct pv pv = tried();

	web.recovery.mode = PV_RECOVER_NO;
	web.restart = PV_RESTART_SYSTEM;
	tick(&pv, 1);
	pv_supervise_reaped(&pv, MONITOR, 1 << 8, 2);
	CHECK(pv.end == PV_END_REBOOT);
	check_end(&pv, PV_PROGRESS_ERROR, "A container could not be started");
	web.recovery.mode = PV_RECOVER_ALWAYS;
	web.restart = PV_RESTART_CONTAINER;
}

static void test_try_that_is_unusable_says_why(void)
{
	struct pv pv = tried();

	begin_jobs(&pv);
	pv_record(&pv, PV_UPDATE_BROKEN, "object abc is corrupt");
	check_end(&pv, PV_PROGRESS_ERROR, "object abc is corrupt");
}

/* Its first end counts, and an unreadable record must not prevent one. */
static void test_what_is_there_counts(void)
{
	struct pv pv = tried();

	begin_jobs(&pv);
	pv_record(&pv, PV_UPDATE_LOST, NULL);
	pv_record(&pv, PV_UPDATE_MISSED, NULL);
	CHECK_TEXT(read_back(&pv).message, "A container could not be started");
	tree_file("trails/7/.pv/progress", "{ no JSON");
	pv_record(&pv, PV_UPDATE_STABLE, NULL);
	check_end(&pv, PV_PROGRESS_DONE, "Update finished, revision set as rollback point");
}

static void test_long_log_gives_its_last_whole_lines(void)
{
	struct pv pv = tried();
	struct pv_progress progress;

	pv_log_set_level(PV_LOG_INFO);
	for (int i = 0; i < 2 * PV_PROGRESS_LOGS / 100; i++)
		pv_info("test", "line %0100d", i);
	pv_info("test", "last one");
	pv_log_set_level(-1);
	begin_jobs(&pv);
	pv_record(&pv, PV_UPDATE_LOST, NULL);
	progress = read_back(&pv);
	CHECK(*progress.logs == '[' && strlen(progress.logs) > PV_PROGRESS_LOGS - 200);
	CHECK(pv_ends_with(progress.logs, "test: last one\n"));
	close(pv.storage);
	tree_end();
}

int main(void)
{
	pv_log_set_level(-1);
	test_try_that_runs_well();
	test_try_that_misses_its_goals();
	test_try_that_does_not_become_stable();
	test_try_that_loses_a_container();
	test_try_that_is_unusable_says_why();
	test_what_is_there_counts();
	test_long_log_gives_its_last_whole_lines();
	return check_done();
}
