/* SPDX-License-Identifier: MIT */
#include "publickey.h"

#include <string.h>

#include "alloc.h"

/* AlgorithmIdentifier and what follows, byte for byte: DER has one way to write it. */
static const uint8_t rsa_identifier[] = {
	0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0};
static const struct {
	size_t coordinate, length;
	uint8_t identifier[21];
} curves[] = {
	{32, 21,
		{0x30, 19, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce,
			0x3d, 3, 1, 7}},
	{48, 18, {0x30, 16, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0, 0x22}},
	{66, 18, {0x30, 16, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0, 0x23}},
};

static size_t bits_of(const struct pv_der *digits)
{
	size_t bits = digits->left * 8;

	for (uint8_t first = *digits->at; !(first & 0x80) && bits; first = (uint8_t)(first << 1 | 1))
		bits--;
	return bits;
}

static bool is_odd(const struct pv_der *digits)
{
	return digits->at[digits->left - 1] & 1;
}

static bool is_rsa(struct pv_der bits)
{
	struct pv_der numbers, modulus, exponent;

	return pv_der_take(&bits, PV_DER_SEQUENCE, NULL, &numbers) && !bits.left &&
	       pv_der_natural(&numbers, &modulus) && pv_der_natural(&numbers, &exponent) && !numbers.left &&
	       bits_of(&modulus) >= PV_RSA_LOW_BITS && bits_of(&modulus) <= PV_RSA_HIGH_BITS &&
	       is_odd(&modulus) && is_odd(&exponent) && exponent.left <= 4 && bits_of(&exponent) > 1;
}

static bool choose(struct pv_publickey *key, const struct pv_der *identifier, const struct pv_der *bits)
{
	if (pv_der_equal(identifier, rsa_identifier, sizeof(rsa_identifier))) {
		key->coordinate = 0;
		return is_rsa(*bits);
	}
	for (size_t i = 0; i < PV_COUNT(curves); i++)
		if (pv_der_equal(identifier, curves[i].identifier, curves[i].length)) {
			key->coordinate = curves[i].coordinate;
			return bits->left == 1 + 2 * key->coordinate && *bits->at == 4;
		}
	return false;
}

int pv_publickey_parse(struct pv_publickey *key, const struct pv_der *info, struct pv_err *err)
{
	struct pv_der in = *info, fields, identifier, bits;
	/* mbedTLS does not write through it. */
	unsigned char *at = (unsigned char *)(uintptr_t)info->at;

	mbedtls_pk_init(&key->pk);
	if (!pv_der_take(&in, PV_DER_SEQUENCE, NULL, &fields) || in.left ||
		!pv_der_take(&fields, PV_DER_SEQUENCE, &identifier, NULL) ||
		!pv_der_bytes(&fields, &bits) || fields.left || !choose(key, &identifier, &bits))
		return pv_err_set(err,
			"its key is not RSA of %d to %d bits or a point of P-256, P-384 or P-521",
			PV_RSA_LOW_BITS, PV_RSA_HIGH_BITS);
	if (mbedtls_pk_parse_subpubkey(&at, info->at + info->left, &key->pk)) {
		pv_publickey_free(key);
		return pv_err_set(err, "its key cannot be used");
	}
	return 0;
}

void pv_publickey_free(struct pv_publickey *key)
{
	mbedtls_pk_free(&key->pk);
}

/* DER keeps integers short and positive: no leading zeros, one where the top bit is set. */
static size_t der_integer(const uint8_t *raw, size_t length, uint8_t *to)
{
	size_t pad;

	while (length > 1 && !*raw) {
		raw++;
		length--;
	}
	pad = *raw >> 7;
	to[0] = PV_DER_INTEGER;
	to[1] = (uint8_t)(length + pad);
	to[2] = 0;
	memcpy(to + 2 + pad, raw, length);
	return 2 + pad + length;
}

size_t pv_publickey_der(const uint8_t *raw, size_t length, uint8_t *der)
{
	uint8_t body[PV_PUBLICKEY_DER_BYTES];
	size_t used = der_integer(raw, length / 2, body), head = 0;

	used += der_integer(raw + length / 2, length / 2, body + used);
	der[head++] = PV_DER_SEQUENCE;
	if (used > 127)
		der[head++] = 0x81;
	der[head++] = (uint8_t)used;
	memcpy(der + head, body, used);
	return head + used;
}

int pv_publickey_verify(struct pv_publickey *key, mbedtls_md_type_t hash, const struct pv_der *data,
	const struct pv_der *signature, struct pv_err *err)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(hash);
	uint8_t digest[MBEDTLS_MD_MAX_SIZE], der[PV_PUBLICKEY_DER_BYTES];
	struct pv_der wire = *signature;
	size_t wanted = key->coordinate ? 2 * key->coordinate : mbedtls_pk_get_len(&key->pk);

	if (signature->left != wanted)
		return pv_err_set(
			err, "the signature has %zu bytes, its key makes %zu", signature->left, wanted);
	if (key->coordinate)
		wire = (struct pv_der){der, pv_publickey_der(signature->at, signature->left, der)};
	if (!md || mbedtls_md(md, data->at, data->left, digest))
		return pv_err_set(err, "there is no hash for it");
	if (mbedtls_pk_verify(&key->pk, hash, digest, mbedtls_md_get_size(md), wire.at, wire.left))
		return pv_err_set(err, "the signature does not match what it covers");
	return 0;
}
