/* SPDX-License-Identifier: MIT */
/*
 * The record of a revision that is tried: what its progress becomes by what happened, and with it the last
 * lines of the log where it failed. What other boots recorded, and what happens to no try, stays as it is.
 */
#ifndef PV_RECORD_H
#define PV_RECORD_H

#include "note.h"

/* `words` for events that have none of their own, else NULL. What cannot be written is logged, no more: the
 * next boot completes it. */
void pv_record(struct pv *pv, enum pv_update_event event, const char *words);
/* The same in a job, of what is tried by a reboot. */
int pv_record_write(const struct pv_note *note, enum pv_update_event event, struct pv_err *err);

#endif
