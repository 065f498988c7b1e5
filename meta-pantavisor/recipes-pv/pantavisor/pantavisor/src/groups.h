/* SPDX-License-Identifier: MIT */
/* The groups of a state, and the few words that groups and containers share. */
#ifndef PV_GROUPS_H
#define PV_GROUPS_H

#include "manifest.h"

#define PV_GROUP_TIMEOUT_S (24 * 60 * 60)

const char *pv_manifest_text(
	const struct pv_manifest *c, const struct pv_json_node *object, const char *name);
/* Both leave the value alone where there is no text. */
int pv_manifest_restart(const struct pv_manifest *c, const char *text, enum pv_restart *restart);
int pv_manifest_goal(const struct pv_manifest *c, const char *text, enum pv_goal *goal);
/* The groups of device.json, or of groups.json in states that have none yet, or the built-in ones. */
int pv_manifest_groups(struct pv_manifest *c);

#endif
