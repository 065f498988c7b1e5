/* SPDX-License-Identifier: MIT */
#include "note.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "publish.h"
#include "usable.h"

static int write_note(void *argument, struct pv_job_result *result)
{
	const struct pv_note *note = argument;
	struct pv_bootenv env = note->pv->env;
	int done = note->write(note, &env, &result->err);

	memcpy(result->bytes, &env, sizeof(env));
	result->length = sizeof(env);
	return done;
}

static void written(void *argument, const struct pv_job_result *result)
{
	cleanup_free struct pv_note *note = argument;

	if (!result->is_given && note->pv->has_storage)
		pv_fsops_thaw(note->pv->storage);
	if (result->done == 0 && result->length == sizeof(note->pv->env))
		memcpy(&note->pv->env, result->bytes, sizeof(note->pv->env));
	else
		pv_error("revision", "what became of revision %s cannot be recorded: %s", note->revision,
			result->err.text);
	if (note->done)
		note->done(note, result);
}

struct pv_note pv_note_of(struct pv *pv,
	int (*write)(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err),
	void (*done)(const struct pv_note *note, const struct pv_job_result *result))
{
	struct pv_note note = {.pv = pv,
		.write = write,
		.done = done,
		.limit_ms = PV_NOTE_MS,
		.standing = pv->run->standing};

	snprintf(note.revision, sizeof(note.revision), "%s", pv->run->revision);
	return note;
}

void pv_note(const struct pv_note *note)
{
	struct pv_note *copy = pv_alloc(1, sizeof(*copy));
	struct pv_job_result none = {.done = -1};
	const struct pv_job job = {.name = "pv-note",
		.work = write_note,
		.done = written,
		.argument = copy,
		.limit_ms = note->limit_ms,
		.in_order = true};

	*copy = *note;
	if (pv_job_start(&note->pv->jobs, &job, &none.err) < 0)
		written(copy, &none);
}

static int publish(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	const struct pv_publisher publisher = {pv_storage_at(note->pv->storage), note->pv->loader, env};

	if (!strcmp(note->revision, env->revision))
		return pv_publish_forget(&publisher, err);
	/* Of a bsp that runs already its kernel was read for the last time when the device booted. */
	if (pv_usable_boots(note->pv, note->revision, err) < 0)
		return -1;
	return pv_publish_try(&publisher, note->revision, err);
}

void pv_note_boot(struct pv *pv, const char *revision,
	void (*done)(const struct pv_note *note, const struct pv_job_result *result))
{
	struct pv_note note = pv_note_of(pv, publish, done);

	snprintf(note.revision, sizeof(note.revision), "%s", revision);
	/* A new generation would give what this boot tried, or fell back from, another try. */
	if (pv->env.generation != pv->booted_generation)
		snprintf(note.tried, sizeof(note.tried), "%s", pv->env.tried);
	pv_note(&note);
}

static int publish_again(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	snprintf(env->tried, sizeof(env->tried), "%s", note->tried);
	return pv_bootenv_store(pv_storage_at(note->pv->storage), note->pv->loader, env, err);
}

void pv_note_again(struct pv *pv, const char *tried)
{
	struct pv_note note = pv_note_of(pv, publish_again, NULL);

	snprintf(note.tried, sizeof(note.tried), "%s", tried);
	pv_note(&note);
}
