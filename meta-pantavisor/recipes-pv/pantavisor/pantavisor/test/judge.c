/* SPDX-License-Identifier: MIT */
/*
 * Judges what another reader judged as well: the tests of the library hold the two against each other.
 * Requests come on stdin, each a letter and a fixed number of texts, each text 4 bytes of length (little
 * endian) and its bytes; answers are lines: a digit for each question, a blank, and why.
 *
 *   p pattern path             may it be signed by? does it match? do readers disagree?
 *   c roots algorithm chain    is the signer trusted? `roots` in PEM, `chain` certificates in base64, a
 * line each s roots state              does it parse? do all signatures hold, and cover it? do the
 * manifests read? r roots signers state      is that a table of signers? does the state verify by it?
 * Without a table: does it with a set signature required? i conf                     is that a
 * lxc.container.conf that confines the container "web"?
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "isolation.h"
#include "jws.h"
#include "pattern.h"
#include "pvs.h"
#include "state.h"

#define TEXT_BYTES (16 * 1024 * 1024)

static char *take(size_t *length)
{
	unsigned char head[4];
	char *text;

	if (fread(head, sizeof(head), 1, stdin) != 1)
		exit(1);
	*length = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
	if (*length > TEXT_BYTES)
		exit(1);
	text = malloc(*length + 1);
	if (!text || fread(text, 1, *length, stdin) != *length)
		exit(1);
	text[*length] = '\0';
	return text;
}

static void answer(const char *digits, const char *why)
{
	printf("%s ", digits);
	for (; *why; why++)
		putchar((unsigned char)*why < ' ' ? '?' : *why);
	putchar('\n');
	fflush(stdout);
}

static void judge_pattern(void)
{
	size_t length;
	cleanup_free char *pattern = take(&length), *path = take(&length);
	struct pv_err err = {0};
	char digits[4] = "000";

	if (pv_pattern_check(pattern, &err) == 0) {
		digits[0] = '1';
		digits[1] = pv_pattern_match(pattern, path) ? '1' : '0';
		digits[2] = pv_pattern_is_ambiguous(pattern, path) ? '1' : '0';
	}
	answer(digits, err.text);
}

static bool is_trusted(const char *roots, const char *algorithm, char *chain, struct pv_err *err)
{
	struct pv_jws_header header = {.algorithm = algorithm};
	struct pv_trust *trust;
	struct pv_signer *signer;
	char *line;
	bool good;

	while ((line = strsep(&chain, "\n")) && header.x5c_count < PV_JWS_CERTIFICATES)
		header.x5c[header.x5c_count++] = line;
	if (pv_trust_parse(&trust, roots, err) < 0)
		return false;
	good = pv_signer_open(&signer, &header, trust, err) == 0;
	if (good)
		pv_signer_close(signer);
	pv_trust_free(trust);
	return good;
}

static void judge_chain(void)
{
	size_t length;
	cleanup_free char *roots = take(&length), *algorithm = take(&length), *chain = take(&length);
	struct pv_err err = {0};

	answer(is_trusted(roots, algorithm, chain, &err) ? "1" : "0", err.text);
}

static bool verifies(const struct pv_state *state, const struct pv_pvs_policy *policy, struct pv_err *err)
{
	struct pv_pvs_result result;
	bool good = pv_pvs_verify(&state->doc, policy, &result, err) == 0;

	pv_pvs_result_free(&result);
	return good;
}

static void judge_rights(void)
{
	size_t length, table_length;
	cleanup_free char *roots = take(&length), *table = take(&table_length), *text = take(&length);
	struct pv_pvs_policy policy = {.mode = PV_SECUREBOOT_STRICT, .needs_set = !table_length};
	struct pv_signers *signers = NULL;
	struct pv_err err = {0};
	struct pv_state state;
	char digits[3] = "00";

	if (pv_trust_parse(&policy.trust, roots, &err) == 0 &&
		pv_state_parse(&state, text, length, &err) == 0) {
		if (!table_length || pv_signers_parse(&signers, table, table_length, &err) == 0)
			digits[0] = '1';
		policy.signers = signers;
		if (digits[0] == '1' && verifies(&state, &policy, &err))
			digits[1] = '1';
		pv_state_free(&state);
	}
	pv_signers_free(signers);
	pv_trust_free(policy.trust);
	answer(digits, err.text);
}

static void judge_conf(void)
{
	size_t length;
	cleanup_free char *text = take(&length);
	struct pv_err err = {0};

	answer(strlen(text) == length && pv_isolation_check("web", text, &err) == 0 ? "1" : "0", err.text);
}

static void judge_state(void)
{
	size_t length;
	cleanup_free char *roots = take(&length), *text = take(&length);
	struct pv_trust *trust = NULL;
	struct pv_err err = {0};
	struct pv_state state;
	char digits[4] = "000";

	if (pv_trust_parse(&trust, roots, &err) == 0 && pv_state_parse(&state, text, length, &err) == 0) {
		const struct pv_pvs_policy policy = {.mode = PV_SECUREBOOT_STRICT, .trust = trust};

		digits[0] = '1';
		if (verifies(&state, &policy, &err))
			digits[1] = '1';
		if (digits[1] == '1' && pv_state_read_manifests(&state, 120, "6.1", &err) == 0)
			digits[2] = '1';
		pv_state_free(&state);
	}
	pv_trust_free(trust);
	answer(digits, err.text);
}

int main(void)
{
	int letter;

	while ((letter = getchar()) != EOF) {
		if (letter == 'p')
			judge_pattern();
		else if (letter == 'c')
			judge_chain();
		else if (letter == 's')
			judge_state();
		else if (letter == 'r')
			judge_rights();
		else if (letter == 'i')
			judge_conf();
		else
			return 1;
	}
	return 0;
}
