/* SPDX-License-Identifier: MIT */
#include "recovery.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static const char *const modes[] = {"no", "always", "on-failure", "unless-stopped"};

const char *pv_recovery_name(enum pv_recovery_mode mode)
{
	return modes[mode];
}

static int number(const struct pv_json *doc, const struct pv_json_node *parent, const char *name,
	double high, double *value, struct pv_err *err)
{
	const struct pv_json_node *node = pv_json_get(doc, parent, name);

	if (node && !pv_json_number(doc, node, 0, high, value))
		return pv_err_set(err, "auto_recovery: \"%s\" is not a number from 0 to %.0f", name, high);
	return 0;
}

static int whole(const struct pv_json *doc, const struct pv_json_node *parent, const char *name, int *value,
	struct pv_err *err)
{
	double read = *value;

	if (number(doc, parent, name, PV_RECOVERY_SECONDS, &read, err) < 0)
		return -1;
	*value = (int)read;
	return 0;
}

static int parse_backoff(struct pv_recovery *recovery, const char *text, struct pv_err *err)
{
	static const struct {
		const char *unit;
		int seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};
	char *end;
	long count;

	recovery->backoff = PV_BACKOFF_REBOOT;
	if (!strcmp(text, "reboot"))
		return 0;
	recovery->backoff = PV_BACKOFF_NEVER;
	if (!strcmp(text, "never"))
		return 0;
	recovery->backoff = PV_BACKOFF_AFTER;
	count = strtol(text, &end, 10);
	for (size_t i = 0; i < PV_COUNT(units); i++)
		if (end != text && !strcmp(end, units[i].unit) && count > 0 && count <= 100000) {
			recovery->backoff_s = (int)count * units[i].seconds;
			return 0;
		}
	return pv_err_set(err,
		"auto_recovery: backoff_policy \"%.40s\" is not reboot, never or a time such as 10min",
		text);
}

int pv_recovery_parse(struct pv_recovery *recovery, const struct pv_json *doc,
	const struct pv_json_node *node, struct pv_err *err)
{
	const char *mode = pv_json_string(doc, pv_json_get(doc, node, "policy"));
	const char *backoff = pv_json_string(doc, pv_json_get(doc, node, "backoff_policy"));
	size_t i = 0;

	*recovery = (struct pv_recovery){.backoff_factor = 1.0};
	if (!node || node->type == PV_JSON_NULL)
		return 0;
	recovery->given = true;
	while (mode && i < PV_COUNT(modes) && strcmp(mode, modes[i]))
		i++;
	if (i == PV_COUNT(modes))
		return pv_err_set(err, "auto_recovery: there is no policy \"%.40s\"", mode);
	recovery->mode = (enum pv_recovery_mode)i;
	if (whole(doc, node, "max_retries", &recovery->max_retries, err) < 0 ||
		whole(doc, node, "retry_delay", &recovery->retry_delay_s, err) < 0 ||
		whole(doc, node, "reset_window", &recovery->reset_window_s, err) < 0 ||
		whole(doc, node, "stable_timeout", &recovery->stable_timeout_s, err) < 0 ||
		number(doc, node, "backoff_factor", PV_RECOVERY_FACTOR, &recovery->backoff_factor, err) < 0)
		return -1;
	return backoff ? parse_backoff(recovery, backoff, err) : 0;
}

static int64_t delay_of(const struct pv_recovery *recovery, int retries)
{
	double delay = recovery->retry_delay_s * 1000.0;

	for (int i = 0; i < retries && delay < PV_RECOVERY_DELAY_MS && delay > 0; i++)
		delay *= recovery->backoff_factor;
	return delay < PV_RECOVERY_DELAY_MS ? (int64_t)delay : PV_RECOVERY_DELAY_MS;
}

/* What ends at once and starts at once keeps the device from everything else, so there is always a pause;
 * it doubles while the runs stay short. */
static int64_t pause_of(int64_t ran_ms, int retries)
{
	int64_t pause = PV_RECOVERY_PAUSE_MS;

	for (int i = 0; ran_ms < PV_RECOVERY_SHORT_MS && i < retries && pause < PV_RECOVERY_PAUSE_MAX_MS;
		i++)
		pause *= 2;
	return pause < PV_RECOVERY_PAUSE_MAX_MS ? pause : PV_RECOVERY_PAUSE_MAX_MS;
}

enum pv_verdict pv_recovery_judge(const struct pv_recovery *recovery, int exit_status, int64_t ran_ms,
	int *retries, int64_t *delay_ms)
{
	int window = recovery->reset_window_s ? recovery->reset_window_s : recovery->stable_timeout_s;

	*delay_ms = 0;
	if (recovery->mode == PV_RECOVER_NO)
		return exit_status ? PV_VERDICT_FAILED : PV_VERDICT_REST;
	if (recovery->mode == PV_RECOVER_ON_FAILURE && !exit_status)
		return PV_VERDICT_REST;
	if (window && ran_ms >= (int64_t)window * 1000)
		*retries = 0;
	if (recovery->max_retries && *retries >= recovery->max_retries) {
		if (recovery->backoff != PV_BACKOFF_AFTER)
			return PV_VERDICT_FAILED;
		*retries = 0;
		*delay_ms = (int64_t)recovery->backoff_s * 1000;
		return PV_VERDICT_RETRY;
	}
	*delay_ms = delay_of(recovery, *retries);
	if (*delay_ms < PV_RECOVERY_PAUSE_MS)
		*delay_ms = pause_of(ran_ms, *retries);
	if (*retries < 1000000)
		++*retries;
	return PV_VERDICT_RETRY;
}
