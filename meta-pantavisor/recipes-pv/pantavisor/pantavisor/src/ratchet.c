/* SPDX-License-Identifier: MIT */
#include "ratchet.h"

#include <string.h>

#include "clock.h"
#include "note.h"
#include "release.h"

#define AGAIN_MS (60 * 1000)

static int write_release(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	(void)env;
	if (pv_release_raise(pv_storage_at(note->pv->storage), note->release, err) < 0)
		return pv_err_wrap(err, "release %ld", note->release);
	return 0;
}

static void raised(const struct pv_note *note, const struct pv_job_result *result)
{
	/* Another one may have taken its place meanwhile. */
	if (!strcmp(note->pv->run->revision, note->revision))
		note->pv->run->release_at = result->done < 0 ? note->at + AGAIN_MS : 0;
}

void pv_ratchet_raise(struct pv *pv, int64_t now)
{
	struct pv_note note = pv_note_of(pv, write_release, raised);

	pv->run->release_at = 0;
	note.at = now;
	note.release = pv_run_least_release(pv->run);
	if (note.release)
		pv_note(&note);
}

void pv_ratchet_tick(struct pv *pv, int64_t now, int64_t *next)
{
	if (!pv->run->release_at)
		return;
	if (now < pv->run->release_at)
		*next = pv_earlier_of(*next, pv->run->release_at);
	else
		pv_ratchet_raise(pv, now);
}
