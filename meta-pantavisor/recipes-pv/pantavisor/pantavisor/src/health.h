/* SPDX-License-Identifier: MIT */
/*
 * The health check of a container as pure functions: docker's, with one difference. Until it first passes
 * it runs every start_interval, and its failures are not counted: the container has start_period and
 * retries times interval. Afterwards it runs every interval, and so many failures in a row as retries make
 * the container unhealthy.
 */
#ifndef PV_HEALTH_H
#define PV_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define PV_HEALTH_WORDS 64
#define PV_HEALTH_BYTES 8192 /* of all words */
#define PV_HEALTH_SECONDS (24 * 60 * 60)
#define PV_HEALTH_RETRIES 1000
#define PV_HEALTH_FIRST_MS 1000

struct pv_health {
	const struct pv_json_node *test; /* an array of words; NULL: there is no check */
	int interval_s, timeout_s, start_period_s, start_interval_s, retries;
};

enum pv_health_standing { PV_HEALTH_STARTING, PV_HEALTH_WELL, PV_HEALTH_ILL };

struct pv_health_course {
	enum pv_health_standing standing;
	int failures; /* in a row */
};

/* `node` may be NULL: there is none. */
int pv_health_parse(struct pv_health *health, const struct pv_json *doc, const struct pv_json_node *node,
	struct pv_err *err);

/* One more check, of a container that has run for `ran_ms`. True where its standing changes. */
bool pv_health_judge(
	const struct pv_health *health, struct pv_health_course *course, bool passed, int64_t ran_ms);
/* From the end of one check to the begin of the next. */
int64_t pv_health_pause_ms(const struct pv_health *health, const struct pv_health_course *course);
/* As docker has it. */
const char *pv_health_name(enum pv_health_standing standing);

#endif
