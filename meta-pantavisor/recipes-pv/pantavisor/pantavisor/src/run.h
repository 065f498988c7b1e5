/* SPDX-License-Identifier: MIT */
/*
 * A revision as it runs: its state, its containers and how far they are. A value of its own, so that one
 * can be made while another one still runs; nothing in it points to the other.
 */
#ifndef PV_RUN_H
#define PV_RUN_H

#include "container.h"
#include "objects.h"
#include "revision.h"
#include "state.h"

struct pv_run {
	char *revision;
	enum pv_standing standing;
	long release;	    /* of its set signature, as it was booted; 0 where there is none */
	long least_release; /* of what was committed and ran before it, without a boot between; 0: none */
	struct pv_state state;
	struct pv_held held;	/* the objects of its volumes */
	struct pv_task **tasks; /* one for each container of the state; NULL until the revision may run */
	size_t task_count;	/* 0 until then, whatever the state lists */
	size_t group;		/* the one being started */
	int64_t group_since;	/* 0: not begun */
	int groups_late;
	bool running;
	int64_t stable_at;  /* when what runs well is committed, or its boot was good; 0: that is over */
	int64_t late_at;    /* when that is not waited for any longer */
	int64_t release_at; /* when its release is recorded once more; 0: that needs no more tries */
	bool has_fault;	    /* and stays up with it */
};

struct pv_run *pv_run_new(const char *revision);
/* The highest release that was committed and ran since the start, recorded or not. */
long pv_run_least_release(const struct pv_run *run);
/* From then on it may run: the state is there, and stays where it is. */
void pv_run_make_tasks(struct pv_run *run);
/* The tasks of the containers that `is_kept` names, by the places they have in `to`, are from then on that
 * one's.
 */
void pv_run_move_tasks(struct pv_run *from, struct pv_run *to, const bool *is_kept);
/* One of which nothing runs or is mounted any more. */
void pv_run_free(struct pv_run *run);

#endif
