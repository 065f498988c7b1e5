/* SPDX-License-Identifier: MIT */
/*
 * Try, commit, rollback as a table. The boot loader chose: it boots pv_try once, else pv_rev. Falling back
 * needs no action of ours, only a reboot; so no row leads to a boot environment that a power cut could
 * leave wrong. A committed revision that fails is booted three times; then the boot loader takes the one
 * before it, then revision 0, and in the end stops with a message on the console: no row leads to an
 * endless loop.
 */
#ifndef PV_REVISION_H
#define PV_REVISION_H

#include <stdbool.h>

enum pv_standing {
	PV_STANDING_FACTORY,   /* revision 0, and there is none before it */
	PV_STANDING_COMMITTED, /* pv_rev names it */
	PV_STANDING_TRIED,     /* pv_try names it: one chance */
	PV_STANDING_LAST_GOOD, /* booted in the place of a committed one that failed too often */
	PV_STANDING_LIVE,      /* took the place of another one without a boot, and is tested */
	PV_STANDING_UPDATED,   /* likewise, and was good: the next boot tries it */
	PV_STANDING_COUNT
};

enum pv_occasion {
	PV_OCCASION_UNUSABLE, /* it does not verify, parse or mount */
	PV_OCCASION_LOST,     /* a container that the system needs failed for good */
	PV_OCCASION_LATE,     /* a group did not reach its goals in time */
	PV_OCCASION_RUNNING,  /* all groups reached their goals */
	PV_OCCASION_STABLE,   /* and stayed there for the commit delay */
	PV_OCCASION_COUNT
};

enum pv_action {
	PV_ACTION_GO_ON,
	PV_ACTION_HALT,	    /* stay up and do nothing: rebooting would only come here again */
	PV_ACTION_REBOOT,   /* the same revision again */
	PV_ACTION_ROLLBACK, /* reboot; the boot loader falls back */
	PV_ACTION_RETURN,   /* to the one whose place it took, without a boot */
	PV_ACTION_TEST,	    /* start the commit delay */
	PV_ACTION_COMMIT,   /* pv_rev = this one, no pv_try */
	PV_ACTION_NOTE,	    /* pv_try = this one */
};

/* `committed`, `previous` and `tried`: pv_rev, pv_prev and pv_try, empty where there is none. */
enum pv_standing pv_revision_standing(
	const char *revision, const char *committed, const char *previous, const char *tried);
/* What is tried has one to return to: whatever fails for good ends the try. */
bool pv_revision_is_tried(enum pv_standing standing);
enum pv_action pv_revision_decide(enum pv_standing standing, enum pv_occasion occasion);

#endif
