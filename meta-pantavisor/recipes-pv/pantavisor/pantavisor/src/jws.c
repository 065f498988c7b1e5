/* SPDX-License-Identifier: MIT */
#include "jws.h"

#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "util.h"

struct pv_trust {
	mbedtls_x509_crt roots;
};

struct algorithm {
	const char *name;
	mbedtls_md_type_t md;
	mbedtls_pk_type_t key;
	size_t low_bits, high_bits;
	size_t signature_bytes; /* 0: as long as the key */
};

static const struct algorithm algorithms[] = {
	{"RS256", MBEDTLS_MD_SHA256, MBEDTLS_PK_RSA, 2048, 8192, 0},
	{"ES256", MBEDTLS_MD_SHA256, MBEDTLS_PK_ECKEY, 256, 256, 64},
	{"ES384", MBEDTLS_MD_SHA384, MBEDTLS_PK_ECKEY, 384, 384, 96},
	{"ES512", MBEDTLS_MD_SHA512, MBEDTLS_PK_ECKEY, 521, 521, 132},
};

struct pv_signer {
	const struct algorithm *algorithm;
	mbedtls_x509_crt chain;
};

static int tls_error(struct pv_err *err, const char *what, int code)
{
	char why[128];

	mbedtls_strerror(code, why, sizeof(why));
	return pv_err_set(err, "%s: %s", what, why);
}

int pv_trust_parse(struct pv_trust **trust, const char *pem, size_t size, struct pv_err *err)
{
	struct pv_trust *fresh = pv_alloc(1, sizeof(*fresh));
	int code;

	mbedtls_x509_crt_init(&fresh->roots);
	code = mbedtls_x509_crt_parse(&fresh->roots, (const unsigned char *)pem, size);
	if (code) {
		pv_trust_free(fresh);
		return code > 0 ? pv_err_set(err, "%d certificates do not parse", code)
				: tls_error(err, "no certificates", code);
	}
	*trust = fresh;
	return 0;
}

void pv_trust_free(struct pv_trust *trust)
{
	if (!trust)
		return;
	mbedtls_x509_crt_free(&trust->roots);
	free(trust);
}

/* DER keeps integers short and positive: no leading zeros, one where the top bit is set. */
static size_t der_integer(const unsigned char *raw, size_t length, unsigned char *to)
{
	size_t pad;

	while (length > 1 && !*raw) {
		raw++;
		length--;
	}
	pad = *raw >> 7;
	to[0] = 0x02;
	to[1] = (unsigned char)(length + pad);
	to[2] = 0;
	memcpy(to + 2 + pad, raw, length);
	return 2 + pad + length;
}

int pv_jws_der(const unsigned char *raw, size_t length, unsigned char *der)
{
	unsigned char body[PV_JWS_DER_BYTES];
	size_t used, head = 0;

	if (length != 64 && length != 96 && length != 132)
		return -1;
	used = der_integer(raw, length / 2, body);
	used += der_integer(raw + length / 2, length / 2, body + used);
	der[head++] = 0x30;
	if (used > 127)
		der[head++] = 0x81;
	der[head++] = (unsigned char)used;
	memcpy(der + head, body, used);
	return (int)(head + used);
}

static int parse_chain(const struct pv_jws_header *jws, mbedtls_x509_crt *chain, struct pv_err *err)
{
	if (!jws->x5c_count || jws->x5c_count > PV_JWS_CERTIFICATES)
		return pv_err_set(err, "it carries %zu certificates, 1 to %d are wanted", jws->x5c_count,
			PV_JWS_CERTIFICATES);
	for (size_t i = 0; i < jws->x5c_count; i++) {
		cleanup_free unsigned char *der = NULL;
		size_t length;
		int code;

		if (strlen(jws->x5c[i]) > PV_JWS_CERTIFICATE_TEXT)
			return pv_err_set(err, "certificate %zu is too long", i);
		if (pv_base64_decode(PV_BASE64_STANDARD, jws->x5c[i], &der, &length, err) < 0)
			return pv_err_wrap(err, "certificate %zu", i);
		code = mbedtls_x509_crt_parse_der(chain, der, length);
		if (code)
			return tls_error(err, "certificate does not parse", code);
	}
	return 0;
}

/* Called for each certificate of the path: drops what only a clock could know. */
static int forgive_time(void *unused, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	(void)unused;
	(void)certificate;
	(void)depth;
	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
	return 0;
}

static int check_chain(mbedtls_x509_crt *chain, struct pv_trust *trust, struct pv_err *err)
{
	uint32_t flags = 0;
	int code = mbedtls_x509_crt_verify(chain, &trust->roots, NULL, NULL, &flags, forgive_time, NULL);

	if (code || flags) {
		char why[192] = "";

		if (mbedtls_x509_crt_verify_info(why, sizeof(why), "", flags) > 0)
			why[strcspn(why, "\n")] = '\0';
		return pv_err_set(
			err, "its certificate is not trusted (%s)", *why ? why : "verification failed");
	}
	if (mbedtls_x509_crt_check_extended_key_usage(
		    chain, MBEDTLS_OID_CODE_SIGNING, MBEDTLS_OID_SIZE(MBEDTLS_OID_CODE_SIGNING)))
		return pv_err_set(err, "its certificate is not for code signing");
	return 0;
}

static int choose_algorithm(struct pv_signer *signer, const char *name, struct pv_err *err)
{
	for (size_t i = 0; i < PV_COUNT(algorithms); i++)
		if (!strcmp(name, algorithms[i].name)) {
			signer->algorithm = &algorithms[i];
			return 0;
		}
	return pv_err_set(err, "its algorithm \"%.16s\" is not RS256, ES256, ES384 or ES512", name);
}

/* The cheap questions first. */
static int open_signer(struct pv_signer *signer, const struct pv_jws_header *header, struct pv_trust *trust,
	struct pv_err *err)
{
	const struct algorithm *algorithm;
	size_t bits;

	if (choose_algorithm(signer, header->algorithm, err) < 0 ||
		parse_chain(header, &signer->chain, err) < 0 || check_chain(&signer->chain, trust, err) < 0)
		return -1;
	algorithm = signer->algorithm;
	bits = mbedtls_pk_get_bitlen(&signer->chain.pk);
	if (!mbedtls_pk_can_do(&signer->chain.pk, algorithm->key) || bits < algorithm->low_bits ||
		bits > algorithm->high_bits)
		return pv_err_set(
			err, "%s does not go with its certificate's key of %zu bits", algorithm->name, bits);
	return 0;
}

int pv_signer_open(struct pv_signer **signer, const struct pv_jws_header *header, struct pv_trust *trust,
	struct pv_err *err)
{
	struct pv_signer *fresh = pv_alloc(1, sizeof(*fresh));

	mbedtls_x509_crt_init(&fresh->chain);
	if (open_signer(fresh, header, trust, err) < 0) {
		pv_signer_close(fresh);
		return -1;
	}
	*signer = fresh;
	return 0;
}

void pv_signer_close(struct pv_signer *signer)
{
	mbedtls_x509_crt_free(&signer->chain);
	free(signer);
}

int pv_signer_verify(
	struct pv_signer *signer, const char *signing_input, const char *signature, struct pv_err *err)
{
	unsigned char hash[64], der[PV_JWS_DER_BYTES];
	const struct algorithm *algorithm = signer->algorithm;
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(algorithm->md);
	cleanup_free unsigned char *raw = NULL;
	const unsigned char *wire;
	size_t length;

	if (pv_base64_decode(PV_BASE64_URL, signature, &raw, &length, err) < 0)
		return pv_err_wrap(err, "signature");
	wire = raw;
	if (algorithm->signature_bytes) {
		if (length != algorithm->signature_bytes)
			return pv_err_set(err, "the signature has %zu bytes, %s wants %zu", length,
				algorithm->name, algorithm->signature_bytes);
		length = (size_t)pv_jws_der(raw, length, der);
		wire = der;
	}
	if (!md || mbedtls_md(md, (const unsigned char *)signing_input, strlen(signing_input), hash))
		return pv_err_set(err, "no hash for %s", algorithm->name);
	if (mbedtls_pk_verify(&signer->chain.pk, algorithm->md, hash, mbedtls_md_get_size(md), wire, length))
		return pv_err_set(err, "the signature does not match what it covers");
	return 0;
}
