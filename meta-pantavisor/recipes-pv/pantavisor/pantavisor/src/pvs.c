/* SPDX-License-Identifier: MIT */
#include "pvs.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "base64.h"
#include "coverage.h"
#include "pvs_header.h"
#include "selection.h"
#include "set.h"
#include "text.h"

/* All signatures of a state on their way. */
struct course {
	const struct pv_json *state;
	const struct pv_pvs_policy *policy;
	struct pv_pvs_result *result;
	size_t path_bytes;     /* of all paths */
	uint64_t work;	       /* done and to be done */
	enum pv_sight *sights; /* of this signature */
	bool *covered;	       /* by any */
};

static const char *const mode_names[] = {"disabled", "audit", "lenient", "strict"};

bool pv_secureboot_parse(const char *name, enum pv_secureboot *mode)
{
	for (size_t i = 0; i < PV_COUNT(mode_names); i++)
		if (!strcmp(name, mode_names[i])) {
			*mode = (enum pv_secureboot)i;
			return true;
		}
	return false;
}

static int read_selection(struct course *course, const struct pv_json *header,
	struct pv_selection *selection, struct pv_err *err)
{
	if (pv_selection_read(selection, header, err) < 0)
		return -1;
	course->work += (uint64_t)selection->cost * course->path_bytes;
	if (course->work > PV_PVS_WORK)
		return pv_err_set(err, "its patterns would have to be compared with too many paths");
	return 0;
}

static int see_all(struct course *course, const struct pv_selection *selection, struct pv_err *err)
{
	const struct pv_json *state = course->state;
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n))
		if (pv_selection_see(selection, pv_json_key(state, n), &course->sights[i++], err) < 0)
			return -1;
	return 0;
}

/* `{"path":value,...}` of what is signed, in the order and the very text of the state. */
static char *payload_of(const struct course *course)
{
	const struct pv_json *state = course->state;
	char *payload = pv_alloc(state->length + 3, 1);
	size_t used = 1, i = 0;

	payload[0] = '{';
	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n)) {
		if (course->sights[i++] != PV_SIGNED)
			continue;
		if (used > 1)
			payload[used++] = ',';
		memcpy(payload + used, state->text + n->key_start, n->key_end - n->key_start);
		used += n->key_end - n->key_start;
		payload[used++] = ':';
		memcpy(payload + used, state->text + n->start, n->end - n->start);
		used += n->end - n->start;
	}
	payload[used++] = '}';
	payload[used] = '\0';
	return payload;
}

static int check_rights(const struct course *course, const struct pv_signer *signer, struct pv_err *err)
{
	if (!course->policy->signers)
		return 0;
	return pv_signers_check(
		course->policy->signers, pv_signer_identity(signer), course->state, course->sights, err);
}

/* By one who may sign the bsp. */
static void note_device(struct course *course, const struct pv_signer *signer)
{
	bool may = course->policy->signers &&
		   pv_signers_may(course->policy->signers, pv_signer_identity(signer), "bsp/run.json");

	for (size_t i = 0; may && i < pv_json_root(course->state)->count; i++)
		course->result->by_bsp[i] |= course->sights[i] == PV_SIGNED;
}

static int note_set(struct course *course, const struct pv_json *header, const struct pv_json_node *own,
	struct pv_err *err)
{
	long release;

	if (pv_set_release(header, &release, err) < 0 || !release)
		return release ? -1 : 0;
	if (course->result->release)
		return pv_err_set(err, "it is the second set signature");
	if (pv_set_check(course->state, own, course->sights, err) < 0)
		return -1;
	course->result->release = release;
	return 0;
}

static int verify_selection(struct course *course, const struct pv_json *header, const char *protected_text,
	const char *signature, struct pv_signer *signer, struct pv_err *err)
{
	cleanup_free struct pv_selection *selection = pv_alloc(1, sizeof(*selection));
	cleanup_free char *payload = NULL, *encoded = NULL, *input = NULL;

	if (read_selection(course, header, selection, err) < 0 || see_all(course, selection, err) < 0 ||
		check_rights(course, signer, err) < 0)
		return -1;
	payload = payload_of(course);
	encoded = pv_base64url_encode(payload, strlen(payload));
	input = pv_fmt("%s.%s", protected_text, encoded);
	return pv_signer_verify(signer, input, signature, err);
}

/* Who signs and how comes first: what costs little refuses most. */
static int verify_with_header(struct course *course, const struct pv_json *header,
	const char *protected_text, const char *signature, struct pv_err *err)
{
	struct pv_jws_header jws = {0};
	struct pv_signer *signer;
	int done;

	if (pv_pvs_header_read(header, &jws, err) < 0)
		return -1;
	if (!course->policy->trust)
		return pv_err_set(err, "there is no trust store to verify it with");
	if (pv_signer_open(&signer, &jws, course->policy->trust, err) < 0)
		return -1;
	done = verify_selection(course, header, protected_text, signature, signer, err);
	if (done == 0)
		note_device(course, signer);
	pv_signer_close(signer);
	return done;
}

static int verify_one(struct course *course, const struct pv_json_node *node, struct pv_err *err)
{
	const struct pv_json *state = course->state;
	const char *text = pv_json_string(state, pv_json_get(state, node, "protected"));
	const char *signature = pv_json_string(state, pv_json_get(state, node, "signature"));
	cleanup_free unsigned char *bytes = NULL;
	struct pv_json header;
	size_t length;
	int done;

	if (!text || !signature || strlen(text) > PV_PVS_HEADER_BYTES ||
		strlen(signature) > PV_PVS_SIGNATURE_BYTES)
		return pv_err_set(err, "it has no texts \"protected\" and \"signature\" of a legal size");
	if (pv_base64_decode(PV_BASE64_URL, text, &bytes, &length, err) < 0 ||
		pv_json_parse(&header, (const char *)bytes, length, err) < 0)
		return pv_err_wrap(err, "its header");
	done = verify_with_header(course, &header, text, signature, err);
	if (done == 0)
		done = note_set(course, &header, node, err);
	pv_json_free(&header);
	return done;
}

static bool has_spec(const struct pv_json *state, const struct pv_json_node *node)
{
	const char *spec = pv_json_string(state, pv_json_get(state, node, "#spec"));

	return spec && !strcmp(spec, "pvs@2");
}

static void note_covered(struct course *course)
{
	const struct pv_json *state = course->state;
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n), i++)
		course->covered[i] |= course->sights[i] == PV_SIGNED ||
				      (course->sights[i] == PV_EXCLUDED &&
					      pv_coverage_is_free(state, pv_json_key(state, n)));
}

static int look_at(struct course *course, const struct pv_json_node *node, struct pv_err *err)
{
	if (!has_spec(course->state, node))
		return pv_err_set(err, "it is not a pvs@2 object");
	if (verify_one(course, node, err) < 0)
		return -1;
	note_covered(course);
	return 0;
}

/* In audit mode a finding is kept and the search goes on. */
static int found(enum pv_secureboot mode, struct pv_pvs_result *result, struct pv_err *err)
{
	if (mode != PV_SECUREBOOT_AUDIT)
		return -1;
	if (!result->has_complaint)
		result->complaint = *err;
	result->has_complaint = true;
	return 0;
}

static int look_at_some(struct course *course, bool of_sets, size_t *seen, struct pv_err *err)
{
	const struct pv_json *state = course->state;
	enum pv_secureboot mode = course->policy->mode;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n)) {
		if (!pv_set_is_signature(state, n) ||
			pv_starts_with(pv_json_key(state, n), "_sigs/_") != of_sets)
			continue;
		if (++*seen > PV_PVS_SIGNATURES)
			return pv_err_set(err, "more than %d signatures", PV_PVS_SIGNATURES);
		if (look_at(course, n, err) == 0) {
			course->result->signatures++;
			continue;
		}
		/* The words by which published tools know it. */
		pv_err_wrap(err, "Signature validation failed: signature %.100s", pv_json_key(state, n));
		if (found(mode, course->result, err) < 0)
			return -1;
	}
	return 0;
}

/* The parts before the set of them, so that what is wrong is called by its own name. */
static int look_at_all(struct course *course, struct pv_err *err)
{
	size_t seen = 0;

	return look_at_some(course, false, &seen, err) < 0 ? -1 : look_at_some(course, true, &seen, err);
}

static int check_whole(struct course *course, struct pv_err *err)
{
	const struct pv_pvs_policy *policy = course->policy;

	if (policy->needs_set && !course->result->release) {
		pv_err_set(err, "no set signature binds the parts together");
		pv_err_hint(err, "sign the set of them: pvr sig set");
		return -1;
	}
	return policy->mode == PV_SECUREBOOT_LENIENT
		       ? 0
		       : pv_coverage_check(course->state, course->covered, err);
}

int pv_pvs_verify(const struct pv_json *state, const struct pv_pvs_policy *policy,
	struct pv_pvs_result *result, struct pv_err *err)
{
	const struct pv_json_node *root = pv_json_root(state);
	cleanup_free bool *covered = pv_alloc(root->count, sizeof(*covered));
	cleanup_free enum pv_sight *sights = pv_alloc(root->count, sizeof(*sights));
	struct course course = {
		.state = state, .policy = policy, .result = result, .sights = sights, .covered = covered};

	*result = (struct pv_pvs_result){.by_bsp = pv_alloc(root->count, sizeof(bool))};
	if (policy->mode == PV_SECUREBOOT_DISABLED)
		return 0;
	for (const struct pv_json_node *n = pv_json_first(state, root); n; n = pv_json_next(state, n))
		course.path_bytes += strlen(pv_json_key(state, n));
	if (look_at_all(&course, err) < 0)
		return -1;
	return check_whole(&course, err) < 0 ? found(policy->mode, result, err) : 0;
}

void pv_pvs_result_free(struct pv_pvs_result *result)
{
	free(result->by_bsp);
	result->by_bsp = NULL;
}
