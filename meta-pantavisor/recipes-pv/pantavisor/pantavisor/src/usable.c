/* SPDX-License-Identifier: MIT */
#include "usable.h"

#include <fcntl.h>

#include "alloc.h"
#include "beneath.h"
#include "bootfiles.h"
#include "release.h"
#include "text.h"

struct pv_verify pv_usable_options(const struct pv *pv, const char *revision)
{
	return (struct pv_verify){
		.storage = pv->storage,
		.revision = revision,
		.mode = pv->mode,
		.trust = pv->trust,
		.signers = pv->signers,
		.needs_set = pv_config_number(&pv->config, PV_SECUREBOOT_SET),
		.goals_timeout_s = pv_config_number(&pv->config, PV_UPDATER_GOALS_TIMEOUT),
		.release = pv->release,
		.checksum = pv_config_number(&pv->config, PV_SECUREBOOT_CHECKSUM),
	};
}

int pv_usable_take(struct pv *pv, struct pv_verified *verified, struct pv_err *err)
{
	struct pv_verify options = pv_usable_options(pv, pv->run->revision);

	options.repair = &pv_fsops_real;
	return pv_verify_revision(&options, &pv->run->state, &pv->run->held, verified, err);
}

/* A collection removes what is refused, with what is damaged: else the device would have that already. */
static int advise(struct pv_err *err)
{
	if (!*err->hint)
		pv_err_hint(err, "run: pvcontrol storage gc; then send the revision again");
	return -1;
}

int pv_usable_open(const struct pv *pv, const char *revision, struct pv_state *state, struct pv_held *held,
	struct pv_err *err)
{
	struct pv_verify options = pv_usable_options(pv, revision);
	long least = pv_release_least(pv->storage, pv->mode, pv_run_least_release(pv->run));
	struct pv_verified verified;

	/* Its containers run from them, or ran: to read them again would take as long as a boot. */
	options.known = &pv->run->held;
	if (pv_verify_revision(&options, state, held, &verified, err) < 0)
		return advise(err);
	if (pv_release_check(verified.release, least, err) == 0)
		return 0;
	pv_state_free(state);
	pv_held_close(held);
	return -1;
}

int pv_usable_check(const struct pv *pv, const char *revision, struct pv_err *err)
{
	struct pv_verify options = pv_usable_options(pv, revision);
	struct pv_verified verified;
	struct pv_state state;

	if (pv_verify_revision(&options, &state, NULL, &verified, err) < 0)
		return -1;
	pv_state_free(&state);
	return 0;
}

int pv_usable_boots(const struct pv *pv, const char *revision, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("trails/%s", revision), *text = NULL;
	cleanup_close int trail = pv_beneath_open(pv->storage, path, O_RDONLY | O_DIRECTORY, err);
	const struct pv_checkout checkout = {.storage = pv->storage, .trail = trail};
	struct pv_state state;
	size_t length;
	int done;

	if (trail < 0 || pv_beneath_read(trail, ".pvr/json", PV_JSON_TEXT_BYTES, &text, &length, err) < 0 ||
		pv_state_parse(&state, text, length, err) < 0)
		return -1;
	done = pv_bootfiles_read(&checkout, &state, err);
	pv_state_free(&state);
	return done < 0 ? advise(err) : 0;
}
