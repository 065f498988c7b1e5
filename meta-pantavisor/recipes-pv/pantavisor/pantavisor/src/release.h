/* SPDX-License-Identifier: MIT */
/*
 * The highest release that was committed, in config/release: a signed release that is older is refused, so
 * what was fixed stays fixed. It rises once the boot environment has that release; a cut between the two is
 * made up for by the next good boot, a write that fails within a minute. The boot loader may still return
 * to an older revision.
 */
#ifndef PV_RELEASE_H
#define PV_RELEASE_H

#include "fsops.h"
#include "pvs.h"

/* 0 where there is none. In modes that refuse nothing there is none. */
long pv_release_load(int storage, enum pv_secureboot mode);
/* The same with that of the revision that is committed and runs, which may not be recorded yet. */
long pv_release_least(int storage, enum pv_secureboot mode, long running);
/* An error with a hint where `release` is lower than `least`. */
int pv_release_check(long release, long least, struct pv_err *err);
/* Never lowers it. */
int pv_release_raise(struct pv_storage at, long release, struct pv_err *err);

#endif
