/* SPDX-License-Identifier: MIT */
/*
 * Every power cut that the calls of the stories allow, every call that fails, and every barrier left out:
 *
 *   crash             states of all stories, and of each call that fails
 *   crash barriers    each barrier left out in turn: a state must be found in which the device is worse off
 *
 * With the word "few" behind it the states that show most only, in seconds.
 */
#define TREE_PLACE "/dev/shm" /* each state is a folder there for a moment */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tree.h"
#include "beneath.h"
#include "durable.h"
#include "stories.h"

/* So many selections of calls are all looked at; of more, those in which so few calls differ. */
struct depth {
	size_t full;
	int deviating;
};
static const struct depth all = {70000, 3}, few = {500, 1};
static struct depth depth;

#define AGAIN_EVERY 200

/* Without these no state is worse off: what they make durable the next boot makes again. */
static const enum pv_barrier only_liveness[] = {PV_BARRIER_REPAIR};

static const char *const barrier_names[PV_BARRIER_COUNT] = {
	[PV_BARRIER_OBJECT_DATA] = "OBJECT_DATA",
	[PV_BARRIER_STEP_FILES] = "STEP_FILES",
	[PV_BARRIER_STEP_NAME] = "STEP_NAME",
	[PV_BARRIER_CHECKPOINT] = "CHECKPOINT",
	[PV_BARRIER_ENV_FIRST] = "ENV_FIRST",
	[PV_BARRIER_ENV_SECOND] = "ENV_SECOND",
	[PV_BARRIER_FILE_DATA] = "FILE_DATA",
	[PV_BARRIER_FILE_NAME] = "FILE_NAME",
	[PV_BARRIER_ENV_NAME] = "ENV_NAME",
	[PV_BARRIER_DEAD_NAME] = "DEAD_NAME",
	[PV_BARRIER_REPAIR] = "REPAIR",
	[PV_BARRIER_VOLUME_FILES] = "VOLUME_FILES",
	[PV_BARRIER_VOLUME_NAME] = "VOLUME_NAME",
};

static struct pv_err err;
static struct cuts cuts;
static struct oracle oracle;

/* A new device in a new folder; its story is recorded, and told until a call fails. */
static int run_story(const struct named_story *story, struct device *device, struct trace *trace)
{
	int root, done;

	tree_begin();
	tree_folder("story");
	tree_folder("judge/again");
	{
		cleanup_free char *place = tree_path("story"), *scratch = tree_path("judge");

		root = pv_beneath_root(place, &err);
		oracle.scratch = pv_beneath_root(scratch, &err);
	}
	if (root < 0 || oracle.scratch < 0 || device_make(story, device, root) < 0) {
		fprintf(stderr, "cannot begin: %s %s\n", err.text, device->err.text);
		exit(2);
	}
	device_know(device, &oracle);
	disk_forget_world();
	record_begin(trace, root);
	done = story->run(device);
	return done;
}

static void forget(struct device *device)
{
	record_end();
	device_free(device);
	close(device->at.root);
	close(oracle.scratch);
	tree_end();
}

static bool tell_whole(const struct named_story *story)
{
	size_t before = cuts.states, judged = oracle.judged, second = oracle.second;
	struct device device;
	struct trace trace;
	bool good = run_story(story, &device, &trace) == 0;

	if (!good)
		snprintf(oracle.why, sizeof(oracle.why), "it fails by itself: %s", device.err.text);
	else
		good = cuts_of(&cuts, &trace, oracle_judge, &oracle);
	printf("%-22s %4zu calls %7zu different states, judged %7zu times and %7zu at a second cut: %s\n",
		story->name, trace.count, cuts.states - before, oracle.judged - judged,
		oracle.second - second, good ? "each one comes back" : oracle.why);
	forget(&device);
	return good;
}

/* Whether the device comes back from where it gave up, with the power on and with every cut. */
static bool survives(const struct named_story *story, size_t call, int number, bool *reached)
{
	struct device device;
	struct trace trace;
	bool good;

	recorder.fail_at = call;
	recorder.fail_errno = number;
	run_story(story, &device, &trace);
	*reached = recorder.made >= call;
	recorder.fail_at = 0;
	/* The whole story has what is before. */
	cuts.from = *reached ? recorder.good : trace.count;
	good = cuts_of(&cuts, &trace, oracle_judge, &oracle);
	cuts.from = 0;
	if (good && device_go_on(&device) < 0) {
		snprintf(oracle.why, sizeof(oracle.why), "no update afterwards: %s", device.err.text);
		good = false;
	}
	if (!good)
		printf("%s: call %zu fails with %s: %s\n", story->name, call, strerror(number), oracle.why);
	forget(&device);
	return good;
}

static bool tell_with_faults(const struct named_story *story)
{
	static const int numbers[] = {ENOSPC, EIO};
	size_t before = cuts.states, calls = 0;
	bool good = true;

	/* What differs from the whole story is behind the call that failed. */
	cuts.full = 64;
	cuts.deviating = 1;
	oracle.every = 0;
	for (size_t i = 0; i < PV_COUNT(numbers); i++) {
		bool reached = true;

		for (size_t call = 1; reached; call++) {
			good = survives(story, call, numbers[i], &reached) && good;
			calls += reached;
		}
	}
	printf("%-22s %4zu calls fail in turn, %7zu more states: %s\n", story->name, calls,
		cuts.states - before, good ? "each one comes back" : "FAILED");
	return good;
}

static bool tell_all(void)
{
	bool good = true;

	for (size_t i = 0; i < story_count; i++) {
		cuts.full = depth.full;
		cuts.deviating = depth.deviating;
		oracle.every = AGAIN_EVERY;
		good = tell_whole(&stories[i]) && good;
	}
	for (size_t i = 0; i < story_count; i++)
		good = tell_with_faults(&stories[i]) && good;
	printf("%zu different states, judged %zu times; %zu more at a second cut\n", cuts.states,
		oracle.judged, oracle.second);
	return good;
}

static bool costs_only_liveness(enum pv_barrier barrier)
{
	for (size_t i = 0; i < PV_COUNT(only_liveness); i++)
		if (only_liveness[i] == barrier)
			return true;
	return false;
}

/* True if a state of the story shows that it is missing. */
static bool is_missed_in(const struct named_story *story, enum pv_barrier barrier, bool *used)
{
	struct cuts own = {.full = depth.full, .deviating = depth.deviating, .room = 1U << 22};
	struct device device;
	struct trace trace;
	bool good;

	recorder.without = barrier;
	run_story(story, &device, &trace);
	*used |= recorder.left_out > 0;
	good = cuts_of(&own, &trace, oracle_judge, &oracle);
	recorder.without = PV_BARRIER_COUNT;
	forget(&device);
	cuts_free(&own);
	if (!good)
		printf("without %-12s %s: %s\n", barrier_names[barrier], story->name, oracle.why);
	return !good;
}

static const char *verdict_of(enum pv_barrier barrier, bool used)
{
	if (!used)
		return "it is in no story";
	return costs_only_liveness(barrier) ? "each state comes back: it costs only liveness"
					    : "NO STATE SHOWS IT";
}

/* A state is found, or there must be none: both are asked of stories that have the barrier. */
static bool leave_out(enum pv_barrier barrier)
{
	bool used = false, missed = false;

	for (size_t i = 0; !missed && i < story_count; i++)
		missed = is_missed_in(&stories[i], barrier, &used);
	if (!missed)
		printf("without %-12s %s\n", barrier_names[barrier], verdict_of(barrier, used));
	return used && missed != costs_only_liveness(barrier);
}

static bool leave_out_each(void)
{
	bool good = true;

	oracle.every = 0;
	for (int barrier = 0; barrier < PV_BARRIER_COUNT; barrier++)
		good = leave_out((enum pv_barrier)barrier) && good;
	return good;
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	depth = has_word(argc, argv, "few") ? few : all;
	cuts.room = 1U << 22;
	good = has_word(argc, argv, "barriers") ? leave_out_each() : tell_all();
	cuts_free(&cuts);
	return good && check_done() == 0 ? 0 : 1;
}
