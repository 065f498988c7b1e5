/* SPDX-License-Identifier: MIT */
#include "pvs_header.h"

#include <string.h>

#include "alloc.h"

/* Whether the source text there is `word` in quotes. */
static bool is_text(const struct pv_json *doc, uint32_t start, uint32_t end, const char *word)
{
	size_t length = strlen(word);

	return end - start == length + 2 && doc->text[start] == '"' &&
	       !memcmp(doc->text + start + 1, word, length);
}

/* Published devices look for these words in the header's text, so each may be there once. */
static int check_words(const struct pv_json *header, struct pv_err *err)
{
	static const char *const words[] = {"typ", "pvs", "alg", "x5c", "include", "exclude"};
	size_t seen[PV_COUNT(words)] = {0};

	for (size_t i = 0; i < header->count; i++)
		for (size_t word = 0; word < PV_COUNT(words); word++)
			seen[word] +=
				is_text(header, header->nodes[i].key_start, header->nodes[i].key_end,
					words[word]) +
				is_text(header, header->nodes[i].start, header->nodes[i].end, words[word]);
	for (size_t word = 0; word < PV_COUNT(words); word++)
		if (seen[word] > 1)
			return pv_err_set(
				err, "its header has the word \"%s\" more than once", words[word]);
	return 0;
}

int pv_pvs_header_read(const struct pv_json *header, struct pv_jws_header *jws, struct pv_err *err)
{
	const struct pv_json_node *root = pv_json_root(header), *chain = pv_json_get(header, root, "x5c");
	const char *type = pv_json_string(header, pv_json_get(header, root, "typ"));

	if (!type || strcmp(type, "PVS"))
		return pv_err_set(err, "its header is not of the type PVS");
	/* RFC 7515 4.1.11: what is marked critical and not understood must be refused. */
	if (pv_json_get(header, root, "crit"))
		return pv_err_set(err, "its header needs extensions that are not known");
	if (check_words(header, err) < 0)
		return -1;
	jws->algorithm = pv_json_string(header, pv_json_get(header, root, "alg"));
	if (!jws->algorithm)
		return pv_err_set(err, "its header names no algorithm");
	if (!pv_json_is(chain, PV_JSON_ARRAY) || !chain->count || chain->count > PV_JWS_CERTIFICATES)
		return pv_err_set(
			err, "its header carries no certificates (x5c, at most %d)", PV_JWS_CERTIFICATES);
	for (const struct pv_json_node *n = pv_json_first(header, chain); n; n = pv_json_next(header, n)) {
		jws->x5c[jws->x5c_count] = pv_json_string(header, n);
		if (!jws->x5c[jws->x5c_count++])
			return pv_err_set(err, "its header has a certificate that is not a string");
	}
	return 0;
}
