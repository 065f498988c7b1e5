/* SPDX-License-Identifier: MIT */
#include "pvs.h"

#include "alloc.h"
#include "base64.h"
#include "check.h"
#include "text.h"

static struct pv_err err;

static struct pv_trust *trust_of(const char *name)
{
	size_t length;
	cleanup_free char *pem = vector(name, &length);
	struct pv_trust *trust = NULL;

	CHECK(pv_trust_parse(&trust, pem, &err) == 0);
	return trust;
}

static int verify(const char *text, size_t length, enum pv_secureboot mode, const char *roots,
	struct pv_pvs_result *result)
{
	struct pv_trust *trust = roots ? trust_of(roots) : NULL;
	const struct pv_pvs_policy policy = {.mode = mode, .trust = trust};
	struct pv_json state;
	int done;

	CHECK(pv_json_parse(&state, text, length, &err) == 0);
	done = pv_pvs_verify(&state, &policy, result, &err);
	pv_pvs_result_free(result);
	pv_json_free(&state);
	pv_trust_free(trust);
	return done;
}

static void check_published(const char *name, const char *roots, const char *other_roots)
{
	size_t length;
	cleanup_free char *text = vector(name, &length);
	struct pv_pvs_result result;

	CHECK(verify(text, length, PV_SECUREBOOT_LENIENT, roots, &result) == 0 && result.signatures == 1);
	/* It covers one container; the rest has no signature. */
	CHECK(verify(text, length, PV_SECUREBOOT_STRICT, roots, &result) < 0);
	CHECK_HAS(err.text, "State not fully covered by signatures: no signature covers #spec");
	CHECK(verify(text, length, PV_SECUREBOOT_AUDIT, roots, &result) == 0 && result.has_complaint);
	CHECK(verify(text, length, PV_SECUREBOOT_LENIENT, other_roots, &result) < 0);
	CHECK_HAS(err.text, "is not trusted");
	CHECK(verify(text, length, PV_SECUREBOOT_LENIENT, NULL, &result) < 0);
	CHECK_HAS(err.text, "no trust store");
	CHECK(verify(text, length, PV_SECUREBOOT_DISABLED, NULL, &result) == 0 && result.signatures == 0);
}

/* One letter of what is covered, of what is not, and of the signature itself. */
static void test_a_change_is_seen_where_it_is_covered(void)
{
	size_t length;
	cleanup_free char *text = vector("signed_part_demo_ec256.json", &length);
	struct pv_pvs_result result;
	char *at;

	at = strstr(text, "\"group\":\"app\"") + strlen("\"group\":\"");
	*at ^= 1;
	CHECK(verify(text, length, PV_SECUREBOOT_LENIENT, "ca.ec256.crt", &result) < 0);
	CHECK_HAS(err.text,
		"Signature validation failed: signature _sigs/demo.json: the signature does not match");
	*at ^= 1;
	at = strstr(text, "\"README.md\":\"") + strlen("\"README.md\":\"");
	*at ^= 1;
	CHECK(verify(text, length, PV_SECUREBOOT_LENIENT, "ca.ec256.crt", &result) == 0);
	at = strstr(text, "\"signature\":\"") + strlen("\"signature\":\"");
	*at = *at == 'A' ? 'B' : 'A';
	CHECK(verify(text, length, PV_SECUREBOOT_LENIENT, "ca.ec256.crt", &result) < 0);
	CHECK(verify(text, length, PV_SECUREBOOT_AUDIT, "ca.ec256.crt", &result) == 0 &&
		result.has_complaint);
}

static void check_refused(const char *state, const char *why)
{
	struct pv_pvs_result result;

	CHECK(verify(state, strlen(state), PV_SECUREBOOT_LENIENT, "ca.ec256.crt", &result) < 0);
	CHECK_HAS(err.text, why);
}

/* `header` is base64url of a header that a signature must not have. */
static void test_bad_envelopes_are_refused(void)
{
	check_refused("{\"_sigs/a.json\":{\"#spec\":\"pvs@2\"}}", "no texts");
	check_refused("{\"_sigs/a.json\":{\"#spec\":\"pvs@2\",\"protected\":\"!\",\"signature\":\"\"}}",
		"base64");
	/* {} */
	check_refused(
		"{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":\"e30\",\"signature\":\"\"}}", "type PVS");
	/* {"typ":"PVS","alg":"ES256","pvs":{"include":["**"],"exclude":[]}} */
	check_refused("{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":"
		      "\"eyJ0eXAiOiJQVlMiLCJhbGciOiJFUzI1NiIsInB2cyI6eyJpbmNsdWRlIjpbIioqIl0sImV4Y2x1ZGUiOl"
		      "tdfX0\","
		      "\"signature\":\"\"}}",
		"carries no certificates");
	/* {"typ":"PVS","alg":"none","pvs":{"include":["a"],"exclude":[]},"x5c":["AAAA"]} */
	check_refused(
		"{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":"
		"\"eyJ0eXAiOiJQVlMiLCJhbGciOiJub25lIiwicHZzIjp7ImluY2x1ZGUiOlsiYSJdLCJleGNsdWRlIjpbXX0s"
		"Ing1YyI6WyJBQUFBIl19\","
		"\"signature\":\"\"}}",
		"algorithm \"none\"");
	/* {"typ":"PVS","crit":["x"]} */
	check_refused(
		"{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":\"eyJ0eXAiOiJQVlMiLCJjcml0IjpbIngiXX0\","
		"\"signature\":\"\"}}",
		"extensions");
}

/* A certificate of the vectors: anyone has it, and may put it before patterns of their own. */
static char *known_certificate(void)
{
	size_t length;
	cleanup_free char *text = vector("signed_part_demo_ec256.json", &length);
	char *at = strstr(text, "\"protected\":\"") + strlen("\"protected\":\"");
	cleanup_free unsigned char *header = NULL;

	*strchr(at, '"') = '\0';
	CHECK(pv_base64_decode(PV_BASE64_URL, at, &header, &length, &err) == 0);
	header[length] = '\0';
	at = strstr((char *)header, "\"x5c\":[\"") + strlen("\"x5c\":[\"");
	return pv_dup(at, strcspn(at, "\""));
}

/* `count` texts that begin alike, with something behind each. */
static char *repeated(const char *beginning, int count, const char *behind)
{
	size_t room = strlen(beginning) + strlen(behind) + 16, used = 0;
	char *text = pv_alloc((size_t)count + 1, room);

	for (int i = 0; i < count; i++)
		used += (size_t)snprintf(
			text + used, room, "%s\"%s%07d\"%s", i ? "," : "", beginning, i, behind);
	return text;
}

/* The refusal of a state of `paths` paths whose only signature is by `certificate` and has these patterns.
 */
static void check_forged(const char *certificate, int paths, const char *include, const char *why)
{
	cleanup_free char *header =
		pv_fmt("{\"typ\":\"PVS\",\"alg\":\"ES256\",\"pvs\":{\"include\":[%s],\"exclude\":[]},"
		       "\"x5c\":[\"%s\"]}",
			include, certificate);
	cleanup_free char *encoded = pv_base64url_encode(header, strlen(header));
	cleanup_free char *longest = pv_alloc(1001, 1), *names = NULL, *state = NULL;

	memset(longest, 'a', 1000);
	names = repeated(longest, paths, ":0");
	state = pv_fmt("{%s,\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":\"%s\",\"signature\":\"AA\"}}",
		names, encoded);
	check_refused(state, why);
}

static void test_work_for_a_header_of_a_stranger_is_bounded(void)
{
	cleanup_free char *good = known_certificate(),
			  *many = repeated("*aaaaaaaaaaaaaaaaaaaaaaaab", 200, "");
	cleanup_free char *too_many = repeated("p", 257, ""), *most = repeated("p", 256, "");

	/* Nothing of the patterns is looked at before the signer is known. */
	check_forged("AAAA", 1, "\"**\"", "certificate");
	check_forged(good, 1, "\"**\"", "subset");
	check_forged(good, 1, "\"a\"],\"exclude\":[],\"x\":[\"alg\"", "is listed twice");
	check_forged(good, 1, "\"a\"],\"x\":[\"alg\"", "\"alg\" more than once");
	check_forged(good, 1, "\"p/**\",\"\xc3\xa9?\"", "the signature has");
	check_forged(good, 1, too_many, "more than 256 patterns");
	check_forged(good, 1, many, "the signature has 1 bytes");
	check_forged(good, 4000, many, "too many paths");
	check_forged(good, 4000, most, "the signature has 1 bytes");
}

int main(void)
{
	check_published("signed_part_demo_ec256.json", "ca.ec256.crt", "ca.rsa2048.crt");
	check_published("signed_part_demo_rsa2048.json", "ca.rsa2048.crt", "ca.ec256.crt");
	test_a_change_is_seen_where_it_is_covered();
	test_bad_envelopes_are_refused();
	test_work_for_a_header_of_a_stranger_is_bounded();
	return check_done();
}
