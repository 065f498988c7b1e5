/* SPDX-License-Identifier: MIT */
#include "usable.h"

#include "release.h"

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

int pv_usable_open(const struct pv *pv, const char *revision, struct pv_state *state, struct pv_held *held,
	struct pv_err *err)
{
	struct pv_verify options = pv_usable_options(pv, revision);
	struct pv_verified verified;

	/* Its containers run from them, or ran: to read them again would take as long as a boot. */
	options.known = &pv->run->held;
	if (pv_verify_revision(&options, state, held, &verified, err) < 0)
		return -1;
	if (pv_release_check(verified.release, pv_release_load(pv->storage, pv->mode), err) == 0)
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
