/* SPDX-License-Identifier: MIT */
#include "certificate.h"

#include <string.h>

#include "alloc.h"
#include "extension.h"

/* AlgorithmIdentifiers of signatures, byte for byte. */
static const struct {
	mbedtls_md_type_t hash;
	bool ec;
	size_t length;
	uint8_t identifier[15];
} algorithms[] = {
	{MBEDTLS_MD_SHA256, false, 15,
		{0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0}},
	{MBEDTLS_MD_SHA384, false, 15,
		{0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5, 0}},
	{MBEDTLS_MD_SHA512, false, 15,
		{0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5, 0}},
	{MBEDTLS_MD_SHA256, true, 12, {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}},
	{MBEDTLS_MD_SHA384, true, 12, {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}},
	{MBEDTLS_MD_SHA512, true, 12, {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4}},
};

static const uint8_t common_name[] = {0x55, 4, 3};

static void choose_algorithm(struct pv_certificate *certificate, const struct pv_der *identifier)
{
	certificate->hash = MBEDTLS_MD_NONE;
	for (size_t i = 0; i < PV_COUNT(algorithms); i++)
		if (pv_der_equal(identifier, algorithms[i].identifier, algorithms[i].length)) {
			certificate->hash = algorithms[i].hash;
			certificate->signed_by_ec = algorithms[i].ec;
		}
}

/* RDNs are sets of a type and a text each; which kind of text does not matter. */
static bool take_attribute(struct pv_der *rdns, struct pv_der *type, struct pv_der *text, uint8_t *tag)
{
	struct pv_der set, pair;

	if (!pv_der_take(rdns, PV_DER_SET, NULL, &set) ||
		!pv_der_take(&set, PV_DER_SEQUENCE, NULL, &pair) || set.left ||
		!pv_der_take(&pair, PV_DER_OID, NULL, type) || !pair.left)
		return false;
	*tag = *pair.at;
	return pv_der_take(&pair, *tag, NULL, text) && !pair.left;
}

static bool take_name(struct pv_der *in, struct pv_der *whole)
{
	struct pv_der rdns, type, text;
	uint8_t tag;

	if (!pv_der_take(in, PV_DER_SEQUENCE, whole, &rdns))
		return false;
	while (rdns.left)
		if (!take_attribute(&rdns, &type, &text, &tag))
			return false;
	return true;
}

static unsigned int pair_of(const uint8_t *digits)
{
	return (unsigned int)(digits[0] - '0') * 10 + (unsigned int)(digits[1] - '0');
}

static bool is_day(unsigned int year, unsigned int month, unsigned int day)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (unsigned int)(month == 2 && leap);
}

/* YYMMDDHHMMSSZ, or YYYY... as generalized time. */
static bool take_time(struct pv_der *in)
{
	bool is_short = pv_der_is(in, PV_DER_UTC_TIME);
	unsigned int year;
	struct pv_der text;

	if (!pv_der_take(in, is_short ? PV_DER_UTC_TIME : PV_DER_GENERALIZED_TIME, NULL, &text) ||
		text.left != (is_short ? 13 : 15) || text.at[text.left - 1] != 'Z')
		return false;
	for (size_t i = 0; i + 1 < text.left; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	year = pair_of(text.at);
	if (is_short) {
		year += year < 50 ? 2000 : 1900;
	} else {
		text.at += 2;
		year = year * 100 + pair_of(text.at);
	}
	return year && is_day(year, pair_of(text.at + 2), pair_of(text.at + 4)) &&
	       pair_of(text.at + 6) < 24 && pair_of(text.at + 8) < 60 && pair_of(text.at + 10) < 60;
}

static bool take_validity(struct pv_der *in)
{
	struct pv_der times;

	return pv_der_take(in, PV_DER_SEQUENCE, NULL, &times) && take_time(&times) && take_time(&times) &&
	       !times.left;
}

/* Absent: the first version, which has no extensions; openssl makes it where none are asked for. */
static bool take_version(struct pv_der *in, bool *may_extend)
{
	unsigned int version;
	struct pv_der content;

	*may_extend = pv_der_is(in, PV_DER_CONTEXT);
	if (!*may_extend)
		return true;
	return pv_der_take(in, PV_DER_CONTEXT, NULL, &content) && pv_der_small(&content, 2, &version) &&
	       version == 2 && !content.left;
}

static int read_tbs(struct pv_certificate *certificate, struct pv_der in, const struct pv_der *algorithm,
	struct pv_err *err)
{
	struct pv_der serial, again, info;
	bool may_extend;

	if (!take_version(&in, &may_extend))
		return pv_err_set(err, "it is not of version 3 or 1");
	if (!pv_der_natural(&in, &serial) || serial.left > 20)
		return pv_err_set(err, "its serial number is not one of at most 20 bytes");
	if (!pv_der_take(&in, PV_DER_SEQUENCE, &again, NULL) ||
		!pv_der_equal(&again, algorithm->at, algorithm->left))
		return pv_err_set(err, "it names two algorithms for its signature");
	if (!take_name(&in, &certificate->issuer) || !take_validity(&in) ||
		!take_name(&in, &certificate->subject) || !pv_der_take(&in, PV_DER_SEQUENCE, &info, NULL))
		return pv_err_set(err, "its names, dates or key are not DER");
	if (!may_extend && in.left)
		return pv_err_set(err, "it is of version 1 and has extensions");
	if (pv_extensions_read(certificate, in, err) < 0)
		return -1;
	return pv_publickey_parse(&certificate->key, &info, err);
}

int pv_certificate_parse(
	struct pv_certificate *certificate, const uint8_t *der, size_t length, struct pv_err *err)
{
	struct pv_der in = {der, length}, parts, fields, algorithm;

	*certificate = (struct pv_certificate){.der = {der, length}};
	if (length > PV_CERTIFICATE_BYTES)
		return pv_err_set(err, "it has more than %d bytes", PV_CERTIFICATE_BYTES);
	if (!pv_der_take(&in, PV_DER_SEQUENCE, NULL, &parts) || in.left ||
		!pv_der_take(&parts, PV_DER_SEQUENCE, &certificate->tbs, &fields) ||
		!pv_der_take(&parts, PV_DER_SEQUENCE, &algorithm, NULL) ||
		!pv_der_bytes(&parts, &certificate->signature) || parts.left)
		return pv_err_set(err, "it is not a certificate in DER, or there is something after it");
	choose_algorithm(certificate, &algorithm);
	return read_tbs(certificate, fields, &algorithm, err);
}

void pv_certificate_free(struct pv_certificate *certificate)
{
	pv_publickey_free(&certificate->key);
}

/* ECDSA-Sig-Value to r||s, each as long as the key's coordinate. */
static bool to_raw(struct pv_der in, size_t coordinate, uint8_t raw[2 * PV_EC_BYTES])
{
	struct pv_der numbers, digits;

	memset(raw, 0, 2 * PV_EC_BYTES);
	if (!pv_der_take(&in, PV_DER_SEQUENCE, NULL, &numbers) || in.left)
		return false;
	for (int i = 1; i <= 2; i++) {
		if (!pv_der_natural(&numbers, &digits) || digits.left > coordinate)
			return false;
		memcpy(raw + (size_t)i * coordinate - digits.left, digits.at, digits.left);
	}
	return !numbers.left;
}

static bool is_signed_by(const struct pv_certificate *child, struct pv_certificate *parent)
{
	struct pv_der signature = child->signature;
	size_t coordinate = parent->key.coordinate;
	uint8_t raw[2 * PV_EC_BYTES];
	struct pv_err unused;

	if (child->hash == MBEDTLS_MD_NONE || child->signed_by_ec != (coordinate != 0))
		return false;
	if (coordinate) {
		if (!to_raw(child->signature, coordinate, raw))
			return false;
		signature = (struct pv_der){raw, 2 * coordinate};
	}
	return pv_publickey_verify(&parent->key, child->hash, &child->tbs, &signature, &unused) == 0;
}

bool pv_certificate_issued(const struct pv_certificate *child, struct pv_certificate *parent, size_t below)
{
	return parent->ca && (!parent->has_usage || parent->signs_certificates) &&
	       (!parent->has_path_length || below <= parent->path_length) &&
	       pv_der_equal(&child->issuer, parent->subject.at, parent->subject.left) &&
	       is_signed_by(child, parent);
}

static bool is_readable(const struct pv_der *text, uint8_t tag)
{
	for (size_t i = 0; i < text->left; i++)
		if (text->at[i] < ' ' || text->at[i] > '~')
			return false;
	return (tag == PV_DER_UTF8 || tag == PV_DER_PRINTABLE || tag == PV_DER_IA5) && text->left &&
	       text->left < PV_IDENTITY_NAME_BYTES;
}

void pv_certificate_name(const struct pv_certificate *certificate, char name[PV_IDENTITY_NAME_BYTES])
{
	struct pv_der in = certificate->subject, rdns, type, text;
	size_t seen = 0;
	uint8_t tag;

	*name = '\0';
	if (!pv_der_take(&in, PV_DER_SEQUENCE, NULL, &rdns))
		return;
	while (rdns.left && take_attribute(&rdns, &type, &text, &tag)) {
		if (!pv_der_equal(&type, common_name, sizeof(common_name)))
			continue;
		*name = '\0';
		if (seen++ || !is_readable(&text, tag))
			continue;
		memcpy(name, text.at, text.left);
		name[text.left] = '\0';
	}
}
