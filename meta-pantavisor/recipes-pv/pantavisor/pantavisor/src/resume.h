/* SPDX-License-Identifier: MIT */
/*
 * At boot: removes what an update or a collection left that was cut off, and completes the records of those
 * that the boot decided.
 */
#ifndef PV_RESUME_H
#define PV_RESUME_H

#include "bootenv.h"

/* Revisions half made or half removed, and parts that are not valid. Goes on after an error, and returns
 * the first. */
int pv_resume(struct pv_storage at, struct pv_err *err);
/* `booted` runs: what was under way and did not come to it has failed, and what is committed is done. */
int pv_resume_records(
	struct pv_storage at, const struct pv_bootenv *env, const char *booted, struct pv_err *err);

#endif
