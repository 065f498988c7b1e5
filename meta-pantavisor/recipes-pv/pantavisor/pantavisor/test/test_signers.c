/* SPDX-License-Identifier: MIT */
#include "signers.h"

#include "alloc.h"
#include "check.h"
#include "text.h"

static struct pv_err err;
static int asked;

/* <A> and <B> written out. */
static char *spelled(const char *text)
{
	char *full = pv_alloc(strlen(text) + 256, 1), *to = full;

	for (; *text; text++) {
		if (*text == '<' && text[1] && text[2] == '>') {
			memset(to, text[1] | 0x20, 64);
			to += 64;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	return full;
}

static void ask(const struct pv_signers *signers, char *line)
{
	cleanup_free char *shown = pv_dup(line, strlen(line));
	struct pv_identity who = {0};
	char *digests, *digest;
	const char *path;

	snprintf(who.name, sizeof(who.name), "%s", strsep(&line, "|"));
	digests = strsep(&line, "|");
	path = strsep(&line, "|");
	while ((digest = strsep(&digests, ",")))
		if (*digest)
			memset(who.sha256[who.count++], *digest, PV_SHA256_HEX);
	if (pv_signers_may(signers, &who, path) != !strcmp(line, "may")) {
		fprintf(stderr, "signers.txt: %s\n", shown);
		CHECK(!"as the table has it");
	}
	asked++;
}

static void check_tables(char *cases)
{
	struct pv_signers *signers = NULL;
	char *line;

	while ((line = strsep(&cases, "\n"))) {
		cleanup_free char *table = spelled(strchr(line, '|') ? strchr(line, '|') + 1 : "");
		bool is_good = pv_starts_with(line, "good|");

		if (is_good || pv_starts_with(line, "bad|")) {
			struct pv_signers *fresh = NULL;

			if ((pv_signers_parse(&fresh, table, strlen(table), &err) == 0) != is_good) {
				fprintf(stderr, "signers.txt: %s: %s\n", line, err.text);
				CHECK(!"as the table has it");
			}
			pv_signers_free(signers);
			signers = fresh;
		} else if (*line) {
			ask(signers, line);
		}
	}
	pv_signers_free(signers);
}

/* A signature may not mean, not even by leaving it out, what its signer may not sign. */
static void test_exclusions_count(void)
{
	static const char table[] = "{\"#spec\":\"pantavisor-signers@1\",\"signers\":[{\"name\":\"Web\","
				    "\"may\":[\"web/**\"]}]}";
	static const char text[] = "{\"_sigs/web.json\":{},\"bsp/run.json\":{},\"web/run.json\":{}}";
	const struct pv_identity web = {.name = "Web"};
	struct pv_signers *signers = NULL;
	struct pv_json state;

	CHECK(pv_signers_parse(&signers, table, strlen(table), &err) == 0);
	CHECK(pv_json_parse(&state, text, strlen(text), &err) == 0);
	CHECK(pv_signers_check(signers, &web, &state, (enum pv_sight[]){PV_EXCLUDED, PV_UNSEEN, PV_SIGNED},
		      &err) == 0);
	CHECK(pv_signers_check(signers, &web, &state,
		      (enum pv_sight[]){PV_EXCLUDED, PV_EXCLUDED, PV_SIGNED}, &err) < 0);
	CHECK_HAS(err.text, "its signer \"Web\" may not sign bsp/run.json");
	CHECK(pv_signers_check(
		      signers, &web, &state, (enum pv_sight[]){PV_SIGNED, PV_UNSEEN, PV_UNSEEN}, &err) < 0);
	pv_json_free(&state);
	pv_signers_free(signers);
}

int main(void)
{
	size_t length;
	cleanup_free char *text = vector("signers.txt", &length);

	check_tables(strstr(text, "\n\n") + 2);
	CHECK(asked > 25);
	test_exclusions_count();
	return check_done();
}
