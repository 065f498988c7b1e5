/* SPDX-License-Identifier: MIT */
#include "health.h"

#include <string.h>

static int read_number(const struct pv_json *doc, const struct pv_json_node *parent, const char *name,
	int low, int high, int *value, struct pv_err *err)
{
	const struct pv_json_node *node = pv_json_get(doc, parent, name);
	double read = *value;

	if (node && !pv_json_number(doc, node, low, high, &read))
		return pv_err_set(err, "health: \"%s\" is not a number from %d to %d", name, low, high);
	*value = (int)read;
	return 0;
}

static int check_words(const struct pv_json *doc, const struct pv_json_node *test, struct pv_err *err)
{
	size_t bytes = 0;

	if (!pv_json_is(test, PV_JSON_ARRAY) || !test->count || test->count > PV_HEALTH_WORDS)
		return pv_err_set(
			err, "health: \"test\" is not an array of 1 to %d words", PV_HEALTH_WORDS);
	for (const struct pv_json_node *n = pv_json_first(doc, test); n; n = pv_json_next(doc, n)) {
		const char *word = pv_json_string(doc, n);

		if (!word)
			return pv_err_set(err, "health: \"test\" has a word that is not a string");
		bytes += strlen(word) + 1;
	}
	if (bytes > PV_HEALTH_BYTES)
		return pv_err_set(err, "health: \"test\" is longer than %d bytes", PV_HEALTH_BYTES);
	return *pv_json_string(doc, pv_json_first(doc, test))
		       ? 0
		       : pv_err_set(err, "health: \"test\" begins with an empty word");
}

int pv_health_parse(struct pv_health *health, const struct pv_json *doc, const struct pv_json_node *node,
	struct pv_err *err)
{
	*health =
		(struct pv_health){.interval_s = 30, .timeout_s = 30, .start_interval_s = 5, .retries = 3};
	if (!node)
		return 0;
	if (node->type != PV_JSON_OBJECT)
		return pv_err_set(err, "\"health\" is not an object");
	health->test = pv_json_get(doc, node, "test");
	if (check_words(doc, health->test, err) < 0 ||
		read_number(doc, node, "interval", 1, PV_HEALTH_SECONDS, &health->interval_s, err) < 0 ||
		read_number(doc, node, "timeout", 1, PV_HEALTH_SECONDS, &health->timeout_s, err) < 0 ||
		read_number(doc, node, "start_period", 0, PV_HEALTH_SECONDS, &health->start_period_s, err) <
			0 ||
		read_number(doc, node, "start_interval", 1, PV_HEALTH_SECONDS, &health->start_interval_s,
			err) < 0)
		return -1;
	return read_number(doc, node, "retries", 1, PV_HEALTH_RETRIES, &health->retries, err);
}

static bool is_over(const struct pv_health *health, int64_t ran_ms)
{
	return ran_ms >=
	       ((int64_t)health->start_period_s + (int64_t)health->retries * health->interval_s) * 1000;
}

static bool change(struct pv_health_course *course, enum pv_health_standing standing)
{
	bool changes = course->standing != standing;

	course->standing = standing;
	return changes;
}

bool pv_health_judge(
	const struct pv_health *health, struct pv_health_course *course, bool passed, int64_t ran_ms)
{
	if (passed) {
		course->failures = 0;
		return change(course, PV_HEALTH_WELL);
	}
	if (course->failures < PV_HEALTH_RETRIES)
		course->failures++;
	if (course->standing == PV_HEALTH_STARTING ? is_over(health, ran_ms)
						   : course->failures >= health->retries)
		return change(course, PV_HEALTH_ILL);
	return false;
}

int64_t pv_health_pause_ms(const struct pv_health *health, const struct pv_health_course *course)
{
	bool is_short =
		course->standing == PV_HEALTH_STARTING && health->start_interval_s < health->interval_s;

	return (int64_t)(is_short ? health->start_interval_s : health->interval_s) * 1000;
}

const char *pv_health_name(enum pv_health_standing standing)
{
	static const char *const names[] = {[PV_HEALTH_STARTING] = "starting",
		[PV_HEALTH_WELL] = "healthy",
		[PV_HEALTH_ILL] = "unhealthy"};

	return names[standing];
}
