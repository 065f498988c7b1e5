/* SPDX-License-Identifier: MIT */
/* PID 1 on a storage that is frozen, as one is that hangs: a write to it does not return. */
#include <stdlib.h>

#include "beneath.h"
#include "clock.h"
#include "ext4.h"
#include "log.h"
#include "note.h"
#include "usable.h"

#define LOG "logs/7/pantavisor/pantavisor.log"
#define LONGEST_MS 1000 /* of a busy machine; one that waits for the storage waits for ever */

int pv_usable_boots(const struct pv *pv, const char *revision, struct pv_err *err)
{
	(void)pv;
	(void)revision;
	(void)err;
	return 0;
}

static char *read_log(int root)
{
	struct pv_err err;
	char *text = NULL;
	size_t length;

	CHECK(pv_beneath_read(root, LOG, 2 * PV_LOG_FILE_BYTES, &text, &length, &err) == 0);
	return text ? text : pv_dup("", 0);
}

/* As the loop does, until what is kept is written. */
static void wait_for_writers(void)
{
	int status;
	pid_t pid;

	/* That of a file that was left is known no more. */
	for (pv_log_write(); (pid = waitpid(-1, &status, 0)) > 0; pv_log_write())
		pv_log_reaped(pid, status);
}

/* More than is kept, at turns of a loop. */
static void write_many(int64_t *longest)
{
	for (int i = 0; i < 1000; i++) {
		int64_t begin = pv_now_ms();

		pv_info("test", "line %d of many, some of which are too many for what PID 1 keeps", i);
		pv_log_write();
		if (pv_now_ms() - begin > *longest)
			*longest = pv_now_ms() - begin;
	}
}

static void test_log_never_waits_for_the_storage(int root)
{
	cleanup_free char *before = NULL, *after = NULL;
	int64_t longest = 0;

	pv_log_open_file(root, LOG);
	pv_info("test", "before the loop");
	before = read_log(root);
	CHECK_HAS(before, "before the loop\n");
	pv_log_defer();
	CHECK(ioctl(root, FIFREEZE, 0) == 0);
	write_many(&longest);
	CHECK(longest < LONGEST_MS);
	CHECK(ioctl(root, FITHAW, 0) == 0);
	wait_for_writers();
	pv_info("test", "the last one");
	wait_for_writers();
	after = read_log(root);
	CHECK_HAS(after, "line 0 of many");
	CHECK_HAS(after, " lines are missing here)\n");
	CHECK_HAS(after, "the last one\n");
	CHECK(!strstr(after, "line 999 of many"));
}

static void test_lines_of_two_revisions_are_in_their_own_files(int root)
{
	cleanup_free char *of_7 = NULL, *of_8 = NULL;
	char last[PV_LOG_LAST_BYTES + 1];
	struct pv_err err;
	size_t length;

	pv_info("test", "of revision seven");
	pv_log_last(last, sizeof(last));
	CHECK_HAS(last, "of revision seven\n");
	pv_log_open_file(root, "logs/8/pantavisor/pantavisor.log");
	pv_info("test", "of revision eight");
	pv_log_last(last, sizeof(last));
	CHECK_HAS(last, "of revision eight\n");
	CHECK(!strstr(last, "seven"));
	wait_for_writers();
	of_7 = read_log(root);
	CHECK_HAS(of_7, "of revision seven\n");
	CHECK(!strstr(of_7, "eight"));
	CHECK(pv_beneath_read(root, "logs/8/pantavisor/pantavisor.log", PV_LOG_FILE_BYTES, &of_8, &length,
		      &err) == 0);
	CHECK_HAS(of_8, "of revision eight\n");
}

/* What wrote the log hangs as the device goes over to another revision. */
static void test_lines_that_wait_for_a_writer_are_in_their_own_file(int root)
{
	cleanup_free char *of_8 = NULL, *of_10 = NULL;
	struct pv_err err;
	size_t length;

	CHECK(ioctl(root, FIFREEZE, 0) == 0);
	pv_info("test", "eight one");
	pv_log_write();
	pv_info("test", "eight two");
	pv_log_open_file(root, "logs/10/pantavisor/pantavisor.log");
	pv_info("test", "ten one");
	CHECK(ioctl(root, FITHAW, 0) == 0);
	wait_for_writers();
	CHECK(pv_beneath_read(root, "logs/8/pantavisor/pantavisor.log", PV_LOG_FILE_BYTES, &of_8, &length,
		      &err) == 0);
	CHECK(pv_beneath_read(root, "logs/10/pantavisor/pantavisor.log", PV_LOG_FILE_BYTES, &of_10, &length,
		      &err) == 0);
	CHECK_HAS(of_8, "eight one\n");
	CHECK_HAS(of_8, "eight two\n");
	CHECK(!strstr(of_8, "ten one"));
	CHECK_HAS(of_10, "ten one\n");
	CHECK(!strstr(of_10, "eight"));
}

/* The storage is as good as full; once, and not for each line. */
static void test_log_that_cannot_be_written_is_reported_once(int root)
{
	const char *places[] = {"logs/9", "logs/9/pantavisor"};
	cleanup_free char *text = NULL;
	int file = openat(root, places[0], O_CREAT | O_WRONLY, 0600);
	char last[PV_LOG_LAST_BYTES + 1], *first;

	close(file);
	pv_log_open_file(root, "logs/9/pantavisor/pantavisor.log");
	for (int i = 0; i < 3; i++) {
		pv_info("test", "lost");
		wait_for_writers();
	}
	pv_log_last(last, sizeof(last));
	first = strstr(last, "warn  log: ");
	CHECK_HAS(last, "the storage does not take them\n");
	CHECK(first && !strstr(first + 1, "warn  log: "));
	CHECK(unlinkat(root, places[0], 0) == 0);
	pv_info("test", "written again");
	wait_for_writers();
	CHECK(pv_beneath_has(root, places[1]));
	pv_log_close_file();
}

static int freeze_and_die(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	(void)env;
	(void)err;
	if (ioctl(note->pv->storage, FIFREEZE, 0) == 0)
		kill(getpid(), SIGKILL);
	return 0;
}

static bool was_cut;

static void note_cut(const struct pv_note *note, const struct pv_job_result *result)
{
	(void)note;
	was_cut = !result->is_given;
}

static void test_storage_thaws_where_a_note_was_killed(int root)
{
	static struct pv_run run = {.revision = (char *)(uintptr_t) "7"};
	static struct pv pv = {.run = &run, .has_storage = true};
	struct pv_note note;
	int status;
	pid_t pid;

	pv.storage = root;
	pv_loop_init(&pv.loop, NULL, 0);
	pv_jobs_init(&pv.jobs, &pv.loop);
	note = pv_note_of(&pv, freeze_and_die, note_cut);
	pv_note(&note);
	while (pv.jobs.count) {
		pv_loop_wait(&pv.loop, pv_now_ms() + 1000);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			pv_jobs_reaped(&pv.jobs, pid, status);
	}
	CHECK(was_cut && ext4_thaws(root));
	pv_loop_free(&pv.loop);
}

int main(void)
{
	int root;

	world_begin();
	root = ext4_mount();
	test_log_never_waits_for_the_storage(root);
	test_lines_of_two_revisions_are_in_their_own_files(root);
	test_lines_that_wait_for_a_writer_are_in_their_own_file(root);
	test_log_that_cannot_be_written_is_reported_once(root);
	test_storage_thaws_where_a_note_was_killed(root);
	close(root);
	return check_done();
}
