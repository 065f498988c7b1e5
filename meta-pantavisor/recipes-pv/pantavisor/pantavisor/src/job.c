/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "exitstatus.h"
#include "file.h"
#include "log.h"

#define LOG_MS 1000

/* A group of its own, so that what it starts ends with it. */
static void leave_pid1(const struct pv_job *job)
{
	const struct rlimit memory = {job->memory, job->memory};
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_NAME, job->name);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (job->memory)
		setrlimit(RLIMIT_AS, &memory);
	pv_log_forked();
}

_Noreturn static void run(const struct pv_job *job, int to)
{
	struct pv_job_result *result = pv_alloc(1, sizeof(*result));

	leave_pid1(job);
	result->done = job->work(job->argument, result);
	if (result->length > sizeof(result->bytes)) {
		result->done = pv_err_set(&result->err, "its result is too long");
		result->length = 0;
	}
	result->is_given = true;
	pv_log_drain(LOG_MS);
	_exit(pv_write_all(to, result, sizeof(*result)) < 0 ? 1 : 0);
}

/* Those that hang are not among them. */
static size_t count(const struct pv_jobs *jobs, bool in_order, bool begun)
{
	size_t found = 0;

	for (size_t i = 0; i < jobs->count; i++)
		found += jobs->list[i].job.in_order == in_order && !jobs->list[i].given_up &&
			 (jobs->list[i].pid || !begun);
	return found;
}

static size_t count_hanging(const struct pv_jobs *jobs)
{
	size_t hanging = 0;

	for (size_t i = 0; i < jobs->count; i++)
		hanging += jobs->list[i].given_up;
	return hanging;
}

/* -EAGAIN where no process can be had for now. */
static int spawn(const struct pv_jobs *jobs, struct pv_jobs_entry *entry, struct pv_err *err)
{
	cleanup_close int to = -1;
	bool is_short;
	int ends[2];

	if (count_hanging(jobs) >= PV_JOBS_HANGING)
		return pv_err_set(err, "%d jobs hang in the kernel already", PV_JOBS_HANGING);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return pv_err_errno(err, "cannot make a pipe");
	to = ends[1];
	entry->pipe = ends[0];
	entry->until = pv_now_ms() + entry->job.limit_ms;
	entry->pid = fork();
	if (!entry->pid)
		run(&entry->job, to);
	if (entry->pid > 0) {
		setpgid(entry->pid, entry->pid);
		return 0;
	}
	is_short = errno == EAGAIN || errno == ENOMEM;
	pv_err_errno(err, "cannot fork");
	entry->pid = 0;
	close(entry->pipe);
	return is_short ? -EAGAIN : -1;
}

/* It is out of the list before its handler runs, which may start others. */
static void finish(struct pv_jobs *jobs, size_t index, const struct pv_job_result *result)
{
	struct pv_jobs_entry entry = jobs->list[index];

	memmove(&jobs->list[index], &jobs->list[index + 1], (--jobs->count - index) * sizeof(entry));
	if (!entry.given_up)
		entry.job.done(entry.job.argument, result);
}

static void fail(struct pv_jobs *jobs, size_t index, const struct pv_err *err)
{
	const struct pv_job_result result = {.done = -1, .err = *err};

	finish(jobs, index, &result);
}

/* The first that has not begun and may. */
static size_t find_waiting(const struct pv_jobs *jobs)
{
	bool may[] = {count(jobs, false, true) < PV_JOBS_AT_ONCE, !count(jobs, true, true)};
	size_t i = 0;

	while (i < jobs->count && (jobs->list[i].pid || !may[jobs->list[i].job.in_order]))
		i++;
	return i;
}

static void set_timer(struct pv_jobs *jobs)
{
	int64_t next = PV_LOOP_FOREVER;

	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->list[i].pid && !jobs->list[i].given_up)
			next = pv_earlier_of(next, jobs->list[i].until);
	if (find_waiting(jobs) < jobs->count)
		next = pv_earlier_of(next, jobs->fork_at);
	if (next == PV_LOOP_FOREVER)
		pv_loop_disarm(jobs->loop, &jobs->timer);
	else
		pv_loop_arm(jobs->loop, &jobs->timer, next);
}

/* For a process; false where that took too long. */
static bool may_wait(struct pv_jobs *jobs, const struct pv_jobs_entry *entry, const struct pv_err *err)
{
	int64_t now = pv_now_ms();

	if (!jobs->refused_at) {
		pv_warn("job", "%s waits: %s", entry->job.name, err->text);
		jobs->refused_at = now;
		jobs->pause = PV_JOB_PAUSE_MS;
	}
	if (now - jobs->refused_at >= PV_JOB_FORK_MS && now - entry->asked_at >= PV_JOB_FORK_MS)
		return false;
	jobs->fork_at = now + jobs->pause;
	jobs->pause = pv_earlier_of(jobs->pause * 2, PV_JOB_LONGEST_PAUSE_MS);
	return true;
}

static void start_waiting(struct pv_jobs *jobs)
{
	struct pv_err err;
	size_t next;

	while (pv_now_ms() >= jobs->fork_at && (next = find_waiting(jobs)) < jobs->count) {
		int done = spawn(jobs, &jobs->list[next], &err);

		if (done == 0)
			jobs->refused_at = 0;
		else if (done != -EAGAIN || !may_wait(jobs, &jobs->list[next], &err))
			fail(jobs, next, &err);
	}
	set_timer(jobs);
}

int pv_job_start(struct pv_jobs *jobs, const struct pv_job *job, struct pv_err *err)
{
	if (jobs->count == PV_JOBS)
		return pv_err_set(err, "there are %d jobs already", PV_JOBS);
	jobs->list[jobs->count++] =
		(struct pv_jobs_entry){.job = *job, .pipe = -1, .asked_at = pv_now_ms()};
	/* At the next turn, so that no handler runs before its job's start returned. */
	pv_loop_arm(jobs->loop, &jobs->timer, 0);
	return 0;
}

static void kill_job(struct pv_jobs_entry *entry)
{
	entry->killed = true;
	entry->until = pv_now_ms() + PV_JOB_KILL_MS;
	/* It was not waited for, so the number is still its own; and its group's. */
	kill(-entry->pid, SIGKILL);
	kill(entry->pid, SIGKILL);
}

/* Why there is no result of it. */
static void explain(const struct pv_jobs_entry *entry, int status, struct pv_err *err)
{
	if (entry->cancelled)
		pv_err_set(err, "it was cancelled");
	else if (entry->killed)
		pv_err_set(err, "it did not end within %lld s", (long long)entry->job.limit_ms / 1000);
	else
		pv_err_set(err, "its process ended with status %d", status);
}

/* Nothing waits for it any longer; its process has to be reaped all the same. */
static void give_up(const struct pv_jobs *jobs, struct pv_jobs_entry *entry)
{
	struct pv_job_result result = {.done = -1};

	entry->given_up = true;
	explain(entry, 0, &result.err);
	pv_error("job", "%s hangs in the kernel", entry->job.name);
	if (jobs->on_hang)
		jobs->on_hang(jobs->data);
	entry->job.done(entry->job.argument, &result);
}

static void on_time(struct pv_timer *timer, int64_t now)
{
	struct pv_jobs *jobs = timer->data;

	for (size_t i = 0; i < jobs->count; i++) {
		struct pv_jobs_entry *entry = &jobs->list[i];

		if (!entry->pid || entry->given_up || now < entry->until)
			continue;
		if (entry->killed)
			give_up(jobs, entry);
		else
			kill_job(entry);
	}
	start_waiting(jobs);
}

void pv_jobs_init(struct pv_jobs *jobs, struct pv_loop *loop)
{
	*jobs = (struct pv_jobs){.loop = loop, .timer = {.handle = on_time, .data = jobs}};
}

void pv_job_cancel(struct pv_jobs *jobs, const void *argument)
{
	struct pv_err err;

	for (size_t i = jobs->count; i-- > 0;) {
		struct pv_jobs_entry *entry = &jobs->list[i];

		if (entry->job.argument != argument || entry->killed)
			continue;
		entry->cancelled = true;
		explain(entry, 0, &err);
		if (entry->pid)
			kill_job(entry);
		else
			fail(jobs, i, &err);
	}
	set_timer(jobs);
}

static bool is_whole(const struct pv_job_result *result, ssize_t got)
{
	return got == (ssize_t)sizeof(*result) && result->length <= sizeof(result->bytes) &&
	       memchr(result->err.text, 0, sizeof(result->err.text)) &&
	       memchr(result->err.hint, 0, sizeof(result->err.hint));
}

static void take_result(const struct pv_jobs_entry *entry, int wait_status, struct pv_job_result *result)
{
	ssize_t got = read(entry->pipe, result, sizeof(*result));

	close(entry->pipe);
	if (is_whole(result, got) && !entry->killed)
		return;
	*result = (struct pv_job_result){.done = -1};
	explain(entry, pv_exit_status(wait_status), &result->err);
}

size_t pv_jobs_in_order(const struct pv_jobs *jobs)
{
	return count(jobs, true, false);
}

bool pv_jobs_hang(const struct pv_jobs *jobs)
{
	return count_hanging(jobs) > 0;
}

bool pv_jobs_reaped(struct pv_jobs *jobs, pid_t pid, int wait_status)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct pv_job_result result;

		if (jobs->list[i].pid != pid)
			continue;
		take_result(&jobs->list[i], wait_status, &result);
		finish(jobs, i, &result);
		start_waiting(jobs);
		return true;
	}
	return false;
}
