/* SPDX-License-Identifier: MIT */
/*
 * Signatures of a state (pvs@2): which paths a signature covers, the bytes that it signs, and whether all
 * signatures together cover everything. A value with "#spec":"pvs@2" is a signature wherever it stands, and
 * below _sigs/ there is nothing else.
 *
 * A header is not signed by anyone before its signature was checked, and that needs its patterns. So the
 * work that they can ask for is bounded beforehand: PV_PVS_WORK limits, over all signatures, the
 * comparisons of patterns with paths. 256 patterns without a star fit with any state.
 */
#ifndef PV_PVS_H
#define PV_PVS_H

#include <stdbool.h>

#include "json.h"
#include "jws.h"
#include "signers.h"

#define PV_PVS_SIGNATURES 256
#define PV_PVS_HEADER_BYTES (256 * 1024)
#define PV_PVS_SIGNATURE_BYTES 4096
/* Bytes of all paths x pv_pattern_cost() of all patterns. */
#define PV_PVS_WORK ((uint64_t)1024 * 1024 * 1024)

enum pv_secureboot {
	PV_SECUREBOOT_DISABLED, /* nothing is looked at */
	PV_SECUREBOOT_AUDIT,	/* all is looked at; what is wrong is only logged */
	PV_SECUREBOOT_LENIENT,	/* what is signed must be right */
	PV_SECUREBOOT_STRICT,	/* all is signed, and right */
};

/* False if there is no mode of that name. */
bool pv_secureboot_parse(const char *name, enum pv_secureboot *mode);

struct pv_pvs_policy {
	enum pv_secureboot mode;
	struct pv_trust *trust;		  /* may be NULL when no signature needs it */
	const struct pv_signers *signers; /* NULL: each may sign everything */
	bool needs_set;
};

struct pv_pvs_result {
	size_t signatures; /* looked at and right */
	long release;	   /* of the set signature; 0: there is none */
	bool *by_bsp; /* by member of the state: signed by one who may sign the bsp, as the table has it */
	struct pv_err complaint; /* audit: the first thing that is wrong */
	bool has_complaint;
};

/* The result is to be freed in any case. */
int pv_pvs_verify(const struct pv_json *state, const struct pv_pvs_policy *policy,
	struct pv_pvs_result *result, struct pv_err *err);
void pv_pvs_result_free(struct pv_pvs_result *result);

#endif
