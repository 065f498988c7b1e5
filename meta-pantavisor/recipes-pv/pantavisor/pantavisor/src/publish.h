/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader is given about a revision: to try it, to boot it from now on, to leave it. Each is
 * one new generation of the boot environment, and the moment that counts is that of its first copy, which
 * is written last.
 */
#ifndef PV_PUBLISH_H
#define PV_PUBLISH_H

#include "bootenv.h"

/* Where a storage keeps it, and what was in it last; changes with each success. */
struct pv_publisher {
	struct pv_storage at;
	enum pv_bootenv_kind kind;
	struct pv_bootenv *env;
};

/* A revision that is whole and durable is booted once, at the next start. */
int pv_publish_try(const struct pv_publisher *publisher, const char *revision, struct pv_err *err);
/* It is booted from now on; `previous`, or "", is what to return to if it fails too often. */
int pv_publish_commit(const struct pv_publisher *publisher, const char *revision, const char *previous,
	struct pv_err *err);
/* What published tools take for the mark of a good revision, and MAKE_FACTORY asks for. */
int pv_publish_mark(struct pv_storage at, const char *revision, struct pv_err *err);
/* Nothing is tried. */
int pv_publish_forget(const struct pv_publisher *publisher, struct pv_err *err);

#endif
