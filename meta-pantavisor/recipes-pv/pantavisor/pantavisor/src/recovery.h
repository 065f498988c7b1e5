/* SPDX-License-Identifier: MIT */
/*
 * What happens to a container that ended, as pure functions. "always" and "unless-stopped" start it again
 * after any end, "on-failure" after an end that was not 0, "no" never. The delay before retry n is
 * retry_delay * backoff_factor^n, at most an hour; where that is less than a second, a pause of a second,
 * which doubles up to a minute while the runs are shorter than ten seconds. After max_retries (0: no limit)
 * the container has failed for good.
 */
#ifndef PV_RECOVERY_H
#define PV_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define PV_RECOVERY_SECONDS (365 * 24 * 60 * 60) /* of any time in a manifest */
#define PV_RECOVERY_FACTOR 1000
#define PV_RECOVERY_DELAY_MS (60 * 60 * 1000)
#define PV_RECOVERY_PAUSE_MS 1000
#define PV_RECOVERY_PAUSE_MAX_MS (60 * 1000)
#define PV_RECOVERY_SHORT_MS (10 * 1000)

enum pv_recovery_mode {
	PV_RECOVER_NO,
	PV_RECOVER_ALWAYS,
	PV_RECOVER_ON_FAILURE,
	PV_RECOVER_UNLESS_STOPPED
};
enum pv_backoff { PV_BACKOFF_REBOOT, PV_BACKOFF_NEVER, PV_BACKOFF_AFTER };

struct pv_recovery {
	bool given;
	enum pv_recovery_mode mode;
	int max_retries;
	int retry_delay_s;
	double backoff_factor;
	int reset_window_s;
	int stable_timeout_s;
	enum pv_backoff backoff;
	int backoff_s; /* PV_BACKOFF_AFTER */
};

/* `node` may be NULL: not given. */
int pv_recovery_parse(struct pv_recovery *recovery, const struct pv_json *doc,
	const struct pv_json_node *node, struct pv_err *err);

/* The word of auto_recovery. */
const char *pv_recovery_name(enum pv_recovery_mode mode);

enum pv_verdict {
	PV_VERDICT_REST,   /* it ended as it should */
	PV_VERDICT_RETRY,  /* start it again after the delay */
	PV_VERDICT_FAILED, /* for good */
};

/* `retries` used so far, which a run of `ran_ms` may have earned back; counts the new one. */
enum pv_verdict pv_recovery_judge(const struct pv_recovery *recovery, int exit_status, int64_t ran_ms,
	int *retries, int64_t *delay_ms);

#endif
