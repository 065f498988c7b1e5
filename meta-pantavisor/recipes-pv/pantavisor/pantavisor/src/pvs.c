/* SPDX-License-Identifier: MIT */
#include "pvs.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "pattern.h"
#include "util.h"

struct patterns {
	const char *list[PV_PVS_PATTERNS];
	size_t count;
};

struct selection {
	struct patterns include, exclude;
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

static bool any_matches(const struct patterns *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (pv_pattern_match(patterns->list[i], path))
			return true;
	return false;
}

static int read_patterns(const struct pv_json *header, const struct pv_json_node *pvs, const char *name,
	struct patterns *patterns, struct pv_err *err)
{
	const struct pv_json_node *array = pv_json_get(header, pvs, name);

	if (!pv_json_is(array, PV_JSON_ARRAY) || array->count > PV_PVS_PATTERNS)
		return pv_err_set(
			err, "its header has no array \"%s\" of at most %d patterns", name, PV_PVS_PATTERNS);
	for (const struct pv_json_node *n = pv_json_first(header, array); n; n = pv_json_next(header, n)) {
		const char *pattern = pv_json_string(header, n);

		if (!pattern)
			return pv_err_set(err, "its header has a pattern that is no text");
		if (pv_pattern_check(pattern, err) < 0)
			return -1;
		patterns->list[patterns->count++] = pattern;
	}
	return 0;
}

/* `{"path":value,...}` of what is selected, in the order and the very text of the state. */
static char *payload_of(const struct pv_json *state, const struct selection *selection)
{
	char *payload = pv_alloc(state->length + 3, 1);
	size_t used = 1;

	payload[0] = '{';
	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n)) {
		const char *path = pv_json_key(state, n);

		if (!any_matches(&selection->include, path) || any_matches(&selection->exclude, path))
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

static int read_header(const struct pv_json *header, struct pv_jws *jws, const char **x5c,
	struct selection *selection, struct pv_err *err)
{
	const struct pv_json_node *root = pv_json_root(header), *pvs = pv_json_get(header, root, "pvs");
	const struct pv_json_node *chain = pv_json_get(header, root, "x5c");
	const char *type = pv_json_string(header, pv_json_get(header, root, "typ"));

	if (!type || strcmp(type, "PVS"))
		return pv_err_set(err, "its header is not of the type PVS");
	/* RFC 7515 4.1.11: what is marked critical and not understood must be refused. */
	if (pv_json_get(header, root, "crit"))
		return pv_err_set(err, "its header wants extensions that are not known");
	jws->algorithm = pv_json_string(header, pv_json_get(header, root, "alg"));
	if (!jws->algorithm)
		return pv_err_set(err, "its header names no algorithm");
	if (read_patterns(header, pvs, "include", &selection->include, err) < 0 ||
		read_patterns(header, pvs, "exclude", &selection->exclude, err) < 0)
		return -1;
	if (!pv_json_is(chain, PV_JSON_ARRAY) || chain->count > PV_JWS_CERTIFICATES)
		return pv_err_set(
			err, "its header carries no certificates (x5c, at most %d)", PV_JWS_CERTIFICATES);
	for (const struct pv_json_node *n = pv_json_first(header, chain); n; n = pv_json_next(header, n)) {
		x5c[jws->x5c_count] = pv_json_string(header, n);
		if (!x5c[jws->x5c_count++])
			return pv_err_set(err, "its header has a certificate that is no text");
	}
	return 0;
}

static void mark_covered(const struct pv_json *state, const struct selection *selection, bool *covered)
{
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n), i++)
		if (any_matches(&selection->include, pv_json_key(state, n)) ||
			any_matches(&selection->exclude, pv_json_key(state, n)))
			covered[i] = true;
}

static int verify_with_header(const struct pv_json *state, const struct pv_json *header,
	const char *protected_text, const char *signature, struct pv_trust *trust, bool *covered,
	struct pv_err *err)
{
	cleanup_free struct selection *selection = pv_alloc(1, sizeof(*selection));
	cleanup_free char *payload = NULL, *encoded = NULL, *input = NULL;
	const char *x5c[PV_JWS_CERTIFICATES];
	struct pv_jws jws = {.x5c = x5c, .signature = signature};

	if (read_header(header, &jws, x5c, selection, err) < 0)
		return -1;
	if (!trust)
		return pv_err_set(err, "there is no trust store to verify it with");
	payload = payload_of(state, selection);
	encoded = pv_base64url_encode(payload, strlen(payload));
	input = pv_fmt("%s.%s", protected_text, encoded);
	jws.signing_input = input;
	if (pv_jws_verify(&jws, trust, err) < 0)
		return -1;
	mark_covered(state, selection, covered);
	return 0;
}

static int verify_one(const struct pv_json *state, const struct pv_json_node *node, struct pv_trust *trust,
	bool *covered, struct pv_err *err)
{
	const char *text = pv_json_string(state, pv_json_get(state, node, "protected"));
	const char *signature = pv_json_string(state, pv_json_get(state, node, "signature"));
	cleanup_free unsigned char *bytes = NULL;
	struct pv_json header;
	size_t length;
	int done;

	if (!text || !signature || strlen(text) > PV_PVS_HEADER_BYTES)
		return pv_err_set(err, "it has no texts \"protected\" and \"signature\"");
	if (pv_base64_decode(PV_BASE64_URL, text, &bytes, &length, err) < 0 ||
		pv_json_parse(&header, (const char *)bytes, length, err) < 0)
		return pv_err_wrap(err, "its header");
	done = verify_with_header(state, &header, text, signature, trust, covered, err);
	pv_json_free(&header);
	return done;
}

static bool is_signature(const struct pv_json *state, const struct pv_json_node *node)
{
	const char *spec = pv_json_string(state, pv_json_get(state, node, "#spec"));

	return spec && !strcmp(spec, "pvs@2");
}

static int check_coverage(const struct pv_json *state, const bool *covered, struct pv_err *err)
{
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n), i++)
		if (!covered[i] && !pv_starts_with(pv_json_key(state, n), "_sigs/"))
			return pv_err_set(err, "no signature covers %.200s", pv_json_key(state, n));
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

int pv_pvs_verify(const struct pv_json *state, enum pv_secureboot mode, struct pv_trust *trust,
	struct pv_pvs_result *result, struct pv_err *err)
{
	const struct pv_json_node *root = pv_json_root(state);
	cleanup_free bool *covered = pv_alloc(root->count, sizeof(*covered));
	size_t seen = 0;

	*result = (struct pv_pvs_result){0};
	if (mode == PV_SECUREBOOT_DISABLED)
		return 0;
	for (const struct pv_json_node *n = pv_json_first(state, root); n; n = pv_json_next(state, n)) {
		if (!is_signature(state, n))
			continue;
		if (++seen > PV_PVS_SIGNATURES)
			return pv_err_set(err, "more than %d signatures", PV_PVS_SIGNATURES);
		if (verify_one(state, n, trust, covered, err) == 0) {
			result->signatures++;
			continue;
		}
		pv_err_wrap(err, "signature %.100s", pv_json_key(state, n));
		if (found(mode, result, err) < 0)
			return -1;
	}
	if (mode != PV_SECUREBOOT_LENIENT && check_coverage(state, covered, err) < 0)
		return found(mode, result, err);
	return 0;
}
