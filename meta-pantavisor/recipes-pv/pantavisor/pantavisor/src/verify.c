/* SPDX-License-Identifier: MIT */
#include "verify.h"

#include <fcntl.h>

#include "beneath.h"
#include "names.h"
#include "strays.h"
#include "util.h"

int pv_verify_read_trust(const char *path, struct pv_trust **trust, struct pv_err *err)
{
	cleanup_free char *pem = NULL;
	size_t length;

	if (pv_read_file(path, PV_TRUST_BYTES, &pem, &length, err) < 0 ||
		pv_trust_parse(trust, pem, err) < 0)
		return pv_err_wrap(err, "trust store");
	return 0;
}

static int check_signatures(const struct pv_verify *options, const struct pv_state *state,
	struct pv_verified *verified, struct pv_err *err)
{
	struct pv_pvs_result result;
	int done = pv_pvs_verify(&state->doc, options->mode, options->trust, &result, err);

	verified->signatures = result.signatures;
	verified->complaint = result.complaint;
	verified->has_complaint = result.has_complaint;
	return done;
}

/* Signatures come first: nothing of a state is believed, or cured from it, before. */
static int check_state(const struct pv_verify *options, int trail, struct pv_state *state, struct pv_held *held,
	struct pv_verified *verified, struct pv_err *err)
{
	struct pv_checkout checkout = {options->storage, trail, options->cure,
		options->checksum || options->mode == PV_SECUREBOOT_STRICT};

	if (check_signatures(options, state, verified, err) < 0)
		return -1;
	if (pv_state_read_manifests(state, options->goals_timeout_s, options->release, err) < 0)
		return -1;
	if (pv_strays_refuse(&checkout, state, err) < 0)
		return -1;
	return pv_objects_check(&checkout, state, held, &verified->objects, err);
}

int pv_verify_revision(const struct pv_verify *options, struct pv_state *state, struct pv_held *held,
	struct pv_verified *verified, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("trails/%s", options->revision);
	cleanup_free char *text = NULL;
	cleanup_close int trail = -1;
	size_t length;

	*verified = (struct pv_verified){0};
	if (!pv_revision_is(options->revision))
		return pv_err_set(err, "\"%.80s\" is no name of a revision", options->revision);
	trail = pv_beneath_open(options->storage, path, O_RDONLY | O_DIRECTORY, err);
	if (trail < 0 || pv_beneath_read(trail, ".pvr/json", PV_JSON_TEXT_BYTES, &text, &length, err) < 0)
		return -1;
	if (pv_state_parse(state, text, length, err) < 0)
		return -1;
	if (check_state(options, trail, state, held, verified, err) == 0)
		return 0;
	pv_state_free(state);
	return -1;
}
