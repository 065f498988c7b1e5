/* SPDX-License-Identifier: MIT */
#include "pvs.h"

#include "check.h"

static struct pv_err err;

static struct pv_trust *trust_of(const char *name)
{
	size_t length;
	cleanup_free char *pem = vector(name, &length);
	struct pv_trust *trust = NULL;

	CHECK(pv_trust_parse(&trust, pem, length + 1, &err) == 0);
	return trust;
}

static int verify(const char *text, size_t length, enum pv_secureboot mode, const char *roots,
	struct pv_pvs_result *result)
{
	struct pv_trust *trust = roots ? trust_of(roots) : NULL;
	struct pv_json state;
	int done;

	CHECK(pv_json_parse(&state, text, length, &err) == 0);
	done = pv_pvs_verify(&state, mode, trust, result, &err);
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
	CHECK_HAS(err.text, "no signature covers #spec");
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
	CHECK_HAS(err.text, "signature _sigs/demo.json: the signature does not match");
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
	check_refused(
		"{\"_sigs/a.json\":{\"#spec\":\"pvs@2\",\"protected\":\"!\",\"signature\":\"\"}}", "base64");
	/* {} */
	check_refused(
		"{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":\"e30\",\"signature\":\"\"}}", "type PVS");
	/* {"typ":"PVS","alg":"ES256","pvs":{"include":["**"],"exclude":[]}} */
	check_refused(
		"{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":"
		"\"eyJ0eXAiOiJQVlMiLCJhbGciOiJFUzI1NiIsInB2cyI6eyJpbmNsdWRlIjpbIioqIl0sImV4Y2x1ZGUiOltdfX0\","
		"\"signature\":\"\"}}",
		"subset");
	/* {"typ":"PVS","alg":"none","pvs":{"include":["a"],"exclude":[]},"x5c":[]} */
	check_refused("{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":"
		      "\"eyJ0eXAiOiJQVlMiLCJhbGciOiJub25lIiwicHZzIjp7ImluY2x1ZGUiOlsiYSJdLCJleGNsdWRlIjpbXX0s"
		      "Ing1YyI6W119\","
		      "\"signature\":\"\"}}",
		"algorithm \"none\"");
	/* {"typ":"PVS","crit":["x"]} */
	check_refused(
		"{\"x.json\":{\"#spec\":\"pvs@2\",\"protected\":\"eyJ0eXAiOiJQVlMiLCJjcml0IjpbIngiXX0\","
		"\"signature\":\"\"}}",
		"extensions");
}

static void test_der_of_raw_signatures(void)
{
	unsigned char raw[132] = {0}, der[PV_JWS_DER_BYTES];
	int length;

	raw[31] = 1;
	raw[32] = 0x80;
	length = pv_jws_der(raw, 64, der);
	CHECK(length == 2 + 3 + 2 + 33 && der[0] == 0x30 && der[1] == 38 && der[2] == 2 && der[3] == 1 &&
		der[4] == 1);
	CHECK(der[5] == 2 && der[6] == 33 && der[7] == 0 && der[8] == 0x80);
	memset(raw, 0xff, sizeof(raw));
	length = pv_jws_der(raw, 132, der);
	CHECK(length == 3 + 2 * (2 + 67) && der[1] == 0x81);
	CHECK(pv_jws_der(raw, 63, der) < 0);
}

int main(void)
{
	check_published("signed_part_demo_ec256.json", "ca.ec256.crt", "ca.rsa2048.crt");
	check_published("signed_part_demo_rsa2048.json", "ca.rsa2048.crt", "ca.ec256.crt");
	test_a_change_is_seen_where_it_is_covered();
	test_bad_envelopes_are_refused();
	test_der_of_raw_signatures();
	return check_done();
}
