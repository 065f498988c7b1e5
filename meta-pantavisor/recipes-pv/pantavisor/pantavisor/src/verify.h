/* SPDX-License-Identifier: MIT */
/* A revision on storage, from its name to a state that may be run. PID 1 and `--check` share this, to the
 * last line. */
#ifndef PV_VERIFY_H
#define PV_VERIFY_H

#include "objects.h"
#include "pvs.h"
#include "state.h"

#define PV_TRUST_BYTES (1024 * 1024)
/* All objects of a revision are read in this time, or it is not usable. */
#define PV_VERIFY_MS (30 * 60 * 1000)

struct pv_verify {
	int storage; /* its root directory */
	const char *revision;
	enum pv_secureboot mode;
	struct pv_trust *trust;		  /* NULL in mode disabled only */
	const struct pv_signers *signers; /* NULL: there is no table */
	bool needs_set;
	int goals_timeout_s;
	const char *release;	       /* uname -r */
	const struct pv_fsops *repair; /* what is missing is made again by it; NULL: nothing is */
	bool checksum;		       /* in mode strict always */
	const struct pv_held *known;   /* objects that are not read again; NULL: none */
};

struct pv_verified {
	size_t objects, signatures;
	long release;		 /* of the set signature, or 0 */
	struct pv_err complaint; /* audit mode */
	bool has_complaint;
};

/* The roots in a PEM file. PID 1 reads them before anything from storage is there. */
int pv_verify_read_trust(const char *path, struct pv_trust **trust, struct pv_err *err);
/* The table of signers; NULL where there is none. */
int pv_verify_read_signers(const char *path, struct pv_signers **signers, struct pv_err *err);
/* The state and `held`, which may be NULL, are the caller's to free after success only. */
int pv_verify_revision(const struct pv_verify *options, struct pv_state *state, struct pv_held *held,
	struct pv_verified *verified, struct pv_err *err);
/* A state that has no checkout yet: its signatures, manifests and containers, and whether its objects are
 * there. It is the caller's to free after success only. */
int pv_verify_text(const struct pv_verify *options, const char *text, size_t length, struct pv_state *state,
	struct pv_verified *verified, struct pv_err *err);

#endif
