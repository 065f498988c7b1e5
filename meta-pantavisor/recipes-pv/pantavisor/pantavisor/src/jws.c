/* SPDX-License-Identifier: MIT */
#include "jws.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "base64.h"

struct algorithm {
	const char *name;
	mbedtls_md_type_t hash;
	size_t coordinate; /* as of the key */
};

static const struct algorithm algorithms[] = {
	{"RS256", MBEDTLS_MD_SHA256, 0},
	{"ES256", MBEDTLS_MD_SHA256, 32},
	{"ES384", MBEDTLS_MD_SHA384, 48},
	{"ES512", MBEDTLS_MD_SHA512, 66},
};

struct pv_signer {
	const struct algorithm *algorithm;
	size_t count;
	unsigned char *ders[PV_JWS_CERTIFICATES];
	struct pv_certificate chain[PV_JWS_CERTIFICATES];
	struct pv_identity identity;
};

static int choose_algorithm(struct pv_signer *signer, const char *name, struct pv_err *err)
{
	for (size_t i = 0; i < PV_COUNT(algorithms); i++)
		if (!strcmp(name, algorithms[i].name)) {
			signer->algorithm = &algorithms[i];
			return 0;
		}
	return pv_err_set(err, "its algorithm \"%.16s\" is not RS256, ES256, ES384 or ES512", name);
}

static int add_certificate(struct pv_signer *signer, const char *text, struct pv_err *err)
{
	cleanup_free unsigned char *der = NULL;
	size_t length;

	if (strlen(text) > PV_JWS_CERTIFICATE_TEXT)
		return pv_err_set(err, "it has more than %d bytes", PV_CERTIFICATE_BYTES);
	if (pv_base64_decode(PV_BASE64_STANDARD, text, &der, &length, err) < 0 ||
		pv_certificate_parse(&signer->chain[signer->count], der, length, err) < 0)
		return -1;
	signer->ders[signer->count++] = der;
	der = NULL;
	return 0;
}

/* The cheap questions first. */
static int open_signer(struct pv_signer *signer, const struct pv_jws_header *header, struct pv_trust *trust,
	struct pv_err *err)
{
	if (choose_algorithm(signer, header->algorithm, err) < 0)
		return -1;
	for (size_t i = 0; i < header->x5c_count; i++)
		if (add_certificate(signer, header->x5c[i], err) < 0)
			return pv_err_wrap(err, "certificate %zu", i + 1);
	if (signer->chain->key.coordinate != signer->algorithm->coordinate)
		return pv_err_set(
			err, "%s does not go with its certificate's key", signer->algorithm->name);
	return pv_trust_check(trust, signer->chain, signer->count, &signer->identity, err);
}

int pv_signer_open(struct pv_signer **signer, const struct pv_jws_header *header, struct pv_trust *trust,
	struct pv_err *err)
{
	struct pv_signer *fresh;

	if (!header->x5c_count || header->x5c_count > PV_JWS_CERTIFICATES)
		return pv_err_set(err, "it does not carry 1 to %d certificates", PV_JWS_CERTIFICATES);
	fresh = pv_alloc(1, sizeof(*fresh));
	if (open_signer(fresh, header, trust, err) < 0) {
		pv_signer_close(fresh);
		return -1;
	}
	*signer = fresh;
	return 0;
}

void pv_signer_close(struct pv_signer *signer)
{
	for (size_t i = 0; i < signer->count; i++) {
		pv_certificate_free(&signer->chain[i]);
		free(signer->ders[i]);
	}
	free(signer);
}

const struct pv_identity *pv_signer_identity(const struct pv_signer *signer)
{
	return &signer->identity;
}

int pv_signer_verify(
	struct pv_signer *signer, const char *signing_input, const char *signature, struct pv_err *err)
{
	struct pv_der data = {(const uint8_t *)signing_input, strlen(signing_input)}, bytes;
	cleanup_free unsigned char *raw = NULL;

	if (pv_base64_decode(PV_BASE64_URL, signature, &raw, &bytes.left, err) < 0)
		return pv_err_wrap(err, "signature");
	bytes.at = raw;
	return pv_publickey_verify(&signer->chain->key, signer->algorithm->hash, &data, &bytes, err);
}
