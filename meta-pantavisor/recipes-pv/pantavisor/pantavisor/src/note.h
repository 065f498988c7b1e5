/* SPDX-License-Identifier: MIT */
/*
 * What PID 1 writes to its storage while the device runs: the boot environment, records, links for people.
 * Each is a job, and they run one after another, in the order in which they were asked for, next to what
 * takes long: a medium that is slow, or hangs, holds up neither the loop nor the watchdog. PID 1 goes by
 * what was written, once it was.
 */
#ifndef PV_NOTE_H
#define PV_NOTE_H

#include "progress.h"
#include "pv.h"
#include "update.h"

/* More than a slow medium takes to bring all to its place. */
#define PV_NOTE_MS (5 * 60 * 1000)

struct pv_note {
	struct pv *pv;
	/* In the job. `env` is what the boot environment has, and is left as it was written. */
	int (*write)(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err);
	/* In PID 1, once, where something waits for it: pv->env is what was written. Else NULL. */
	void (*done)(const struct pv_note *note, const struct pv_job_result *result);
	int64_t limit_ms;
	/* What runs, as it was asked; the job begins when another revision may run. */
	char revision[PV_REVISION_BYTES + 1];
	enum pv_standing standing;
	int64_t at;
	/* As its writer has it. */
	long release;
	char tried[PV_REVISION_BYTES + 1];
	enum pv_update_event event;
	enum pv_update_way way;
	char words[PV_PROGRESS_MESSAGE + 1]; /* "": none */
	char logs[PV_PROGRESS_LOGS + 1];
};

/* About what runs now. */
struct pv_note pv_note_of(struct pv *pv,
	int (*write)(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err),
	void (*done)(const struct pv_note *note, const struct pv_job_result *result));
/* Copied. What cannot be written is logged. */
void pv_note(const struct pv_note *note);
/* The boot loader is given `revision`: to be tried at the next start, or what is committed without a try.
 */
void pv_note_boot(struct pv *pv, const char *revision,
	void (*done)(const struct pv_note *note, const struct pv_job_result *result));
/* It is given `tried` again, what was to be tried before: what was not written, or not all of it, may be on
 * the medium all the same. */
void pv_note_again(struct pv *pv, const char *tried);

#endif
