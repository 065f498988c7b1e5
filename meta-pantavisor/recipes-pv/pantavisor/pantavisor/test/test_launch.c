/* SPDX-License-Identifier: MIT */
/* Another revision is asked for: what is looked at, noted and recorded before the device tries it. */
#include "launch.h"

#include <time.h>

#include "ask.h"
#include "progress.h"
#include "trail.h"

/* A storage in memory: a real file system of this machine is not to be frozen. */
static void begin_launch(struct pv *pv, const char *status)
{
	cleanup_free char *record = pv_fmt("{\"status\":\"%s\",\"progress\":0,\"retries\":0}", status);
	struct pv_err err;

	strcpy(tree_root, "/dev/shm/pv-test-XXXXXX");
	CHECK(mkdtemp(tree_root) != NULL);
	tree_folder("boot");
	tree_file("trails/locals/x/.pvr/json", "{}");
	tree_file("trails/locals/x/.pv/progress", record);
	pv->storage = pv_beneath_root(tree_root, &err);
	pv->has_storage = true;
	snprintf(pv->env.revision, sizeof(pv->env.revision), "7");
	CHECK(pv_bootenv_store(pv_storage_at(pv->storage), pv->loader, &pv->env, &err) == 0);
	begin_jobs(pv);
}

static void check_progress(const struct pv *pv, const char *status, const char *message)
{
	struct pv_progress progress;
	struct pv_err err;

	CHECK(pv_progress_load(pv->storage, "locals/x", &progress, &err) == 0);
	CHECK_TEXT(pv_progress_name(progress.status), status);
	CHECK_TEXT(progress.message, message);
}

static void test_revision_is_tried_by_a_reboot(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/y") == 409 &&
		order(&pv, &own, PV_CTRL_RUN, "7") == 409);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200 && !pv.end);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 503 && reply.retry_s == 600);
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_REBOOT);
	check_progress(&pv, "INPROGRESS", "Rebooting");
	check_stored(&pv, "7", "locals/x", "");
}

/* What falls due while it is noted would take it out again. */
static void test_try_that_is_noted_stays_noted(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	run.standing = PV_STANDING_COMMITTED;
	pv.env.faults = 1;
	run.stable_at = 30 * SECOND;
	run.late_at = 60 * SECOND;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	world.works_slowly = true;
	tick(&pv, 30 * SECOND);
	tick(&pv, 31 * SECOND);
	world.works_slowly = false;
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_REBOOT);
	check_stored(&pv, "7", "locals/x", "");
}

/* An end that was asked for while a try was being noted is the one that comes. */
static void test_end_that_came_before_the_note_stays(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	pv_ending_begin(&pv, PV_END_POWEROFF, "a test");
	pv.not_before = 20 * SECOND;
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_POWEROFF && pv.not_before == 20 * SECOND);
	check_stored(&pv, "7", "locals/x", "");
}

/* What the boot loader could not be told is the reason, though the device ends meanwhile. */
static void test_end_that_came_before_a_note_that_fails_leaves_the_reason(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	break_bootenv(&pv);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	pv_ending_begin(&pv, PV_END_POWEROFF, "a test");
	wait_for_jobs(&pv);
	CHECK(pv.end == PV_END_POWEROFF && !*pv.candidate.revision);
	check_progress(&pv, "WONTGO", "cannot open boot/grubenv: Is a directory");
	repair_bootenv(&pv, "7", "");
	check_stored(&pv, "7", "", "");
}

/* The job is over before the storage is left, and the record has why. */
static void test_end_that_comes_while_a_revision_is_looked_at(void)
{
	struct pv pv = running(true, true, false);
	int64_t next = PV_LOOP_FOREVER;
	struct pv_err err;
	int lock;

	begin_launch(&pv, "NEW");
	lock = pv_trail_lock(pv.storage, &err);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	look_after_jobs(&pv);
	CHECK(pv.jobs.count == 1 && pv.jobs.list[0].pid > 0);
	pv_ending_begin(&pv, PV_END_POWEROFF, "a test");
	task.monitor = 0;
	if (setjmp(end_of_story) == 0)
		pv_ending_tick(&pv, pv_now_ms(), &next);
	else
		CHECK(!"the storage is left while a job works on it");
	wait_for_jobs(&pv);
	check_progress(&pv, "WONTGO", "the device ended before the revision was verified");
	CHECK(pv.end == PV_END_POWEROFF && !*pv.candidate.revision);
	close(lock);
	check_stored(&pv, "7", "", "");
}

/* No revision is removed while it is looked at, nor looked at while some are removed. */
static void test_collection_and_launch_wait_for_each_other(void)
{
	const struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};
	struct pv pv = running(true, true, false);
	struct pv_err err;
	int lock;

	begin_launch(&pv, "NEW");
	lock = pv_trail_lock(pv.storage, &err);
	CHECK(lock >= 0 && order(&pv, &own, PV_CTRL_COLLECT, "") == 200);
	CHECK_TEXT(reply.body, "7");
	/* A container that ran on from another revision has its log and its volumes there. */
	task.place = PV_PLACE_MOUNTED;
	strcpy(task.home, "locals/old");
	CHECK(order(&pv, &own, PV_CTRL_COLLECT, "") == 200);
	CHECK_TEXT(reply.body, "7\nlocals/old");
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	CHECK(order(&pv, &own, PV_CTRL_COLLECT, "") == 503 && reply.retry_s == 600);
	nanosleep(&moment, NULL);
	check_progress(&pv, "NEW", "");
	close(lock);
	wait_for_jobs(&pv);
	check_stored(&pv, "7", "locals/x", "");
}

static void test_factory_revision_is_one_that_was_committed(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/y") == 409);
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "") == 409);
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 409);
	CHECK_HAS(reply.body, "was not committed");
	tree_file("trails/locals/x/.pv/done", "1");
	run.revision = (char *)(uintptr_t) "0";
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 409);
	CHECK_HAS(reply.body, "revision 0 runs");
	run.revision = (char *)(uintptr_t) "7";
	/* It came from there without a boot, with its log and its volumes. */
	strcpy(task.home, "0");
	CHECK(task.place == PV_PLACE_MOUNTED && order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 409);
	CHECK_HAS(reply.body, "container web runs on from revision 0");
	strcpy(task.home, "7");
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 200);
	CHECK(order(&pv, &own, PV_CTRL_MAKE_FACTORY, "locals/x") == 503);
	/* The state is "{}". */
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "NEW", "");
	check_stored(&pv, "7", "", "");
}

static void test_revision_that_is_unusable_is_not_tried(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	world.unusable = "locals/x";
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "WONTGO", "unusable");
	/* Once it is repaired it may be tried again. */
	world.unusable = NULL;
	CHECK(order(&pv, &own, PV_CTRL_RUN_COMMIT, "locals/x") == 200);
	wait_for_jobs(&pv);
	check_stored(&pv, "7", "locals/x", "");
}

/* By a lack of memory, or since its time was over: not in silence. */
static void test_launch_that_is_cut_off_is_recorded(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	world.is_killed = true;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "ERROR", "Internal error: its process ended with status 137");
	world.is_killed = false;
	check_stored(&pv, "7", "", "");
}

/* It runs on as it is, and a boot would be one of it. */
static void test_revision_that_cannot_be_noted_is_not_tried(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	break_bootenv(&pv);
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "WONTGO", "cannot open boot/grubenv: Is a directory");
	repair_bootenv(&pv, "7", "");
	check_stored(&pv, "7", "", "");
}

/* What the boot environment has to try, once one that is to be tried cannot be noted; the note may have
 * reached the medium all the same. */
static void check_tried_after_a_note_that_failed(bool is_spent, const char *tried)
{
	struct pv pv = running(true, true, false);

	snprintf(pv.env.tried, sizeof(pv.env.tried), "locals/z");
	begin_launch(&pv, "NEW");
	pv.booted_generation = is_spent ? pv.env.generation : pv.env.generation - 1;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	while (pv.jobs.count && !pv.candidate.is_noted)
		look_after_jobs(&pv);
	CHECK(pv.jobs.count > 0);
	pv_job_cancel(&pv.jobs, pv.jobs.list[pv.jobs.count - 1].job.argument);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "ERROR", "Internal error: it was cancelled");
	check_stored(&pv, "7", tried, "");
}

static void test_note_that_failed_gives_no_try_again(void)
{
	check_tried_after_a_note_that_failed(true, "");
	/* Noted since this boot: its try is to come. */
	check_tried_after_a_note_that_failed(false, "locals/z");
}

/* Neither the boot loader nor the device goes on to a revision that could not be booted again. */
static void test_revision_whose_kernel_rotted_is_not_noted(void)
{
	struct pv pv = running(true, true, false);

	begin_launch(&pv, "NEW");
	world.is_rotten = true;
	CHECK(order(&pv, &own, PV_CTRL_RUN, "locals/x") == 200);
	wait_for_jobs(&pv);
	CHECK(!pv.end && !*pv.candidate.revision);
	check_progress(&pv, "WONTGO", "its kernel is damaged; send it again");
	check_stored(&pv, "7", "", "");
}

int main(void)
{
	pv_log_set_level(-1);
	test_revision_is_tried_by_a_reboot();
	test_try_that_is_noted_stays_noted();
	test_end_that_came_before_the_note_stays();
	test_end_that_came_before_a_note_that_fails_leaves_the_reason();
	test_end_that_comes_while_a_revision_is_looked_at();
	test_collection_and_launch_wait_for_each_other();
	test_factory_revision_is_one_that_was_committed();
	test_revision_that_is_unusable_is_not_tried();
	test_revision_whose_kernel_rotted_is_not_noted();
	test_launch_that_is_cut_off_is_recorded();
	test_revision_that_cannot_be_noted_is_not_tried();
	test_note_that_failed_gives_no_try_again();
	return check_done();
}
