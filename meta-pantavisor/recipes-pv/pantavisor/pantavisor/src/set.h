/* SPDX-License-Identifier: MIT */
/*
 * The set signature: an ordinary signature whose header has, in addition to the patterns, the number of the
 * release
 * ("pvs":{"include":["_sigs/..."],...,"release":7}). It signs all other signatures, so that no part can be
 * taken out, or exchanged for that of another release.
 */
#ifndef PV_SET_H
#define PV_SET_H

#include "json.h"
#include "selection.h"

#define PV_SET_RELEASE 2147483647 /* the highest */

/* Is the member of the state a signature? */
bool pv_set_is_signature(const struct pv_json *state, const struct pv_json_node *node);
/* The release of a signature's header; 0 if it is not one of a set. */
int pv_set_release(const struct pv_json *header, long *release, struct pv_err *err);
/* An error unless the signature at `own`, which sees `sights`, signs all other signatures. */
int pv_set_check(const struct pv_json *state, const struct pv_json_node *own, const enum pv_sight *sights,
	struct pv_err *err);

#endif
