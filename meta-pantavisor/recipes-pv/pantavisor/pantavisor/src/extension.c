/* SPDX-License-Identifier: MIT */
#include "extension.h"

#include <string.h>

#include "alloc.h"

#define DIGITAL_SIGNATURE 0x80
#define KEY_CERT_SIGN 0x04

static const uint8_t code_signing[] = {0x2b, 6, 1, 5, 5, 7, 3, 3}, any_usage[] = {0x55, 0x1d, 0x25, 0};

static bool read_constraints(struct pv_certificate *certificate, struct pv_der in)
{
	struct pv_der fields;

	if (!pv_der_take(&in, PV_DER_SEQUENCE, NULL, &fields) || in.left ||
		!pv_der_flag(&fields, &certificate->ca))
		return false;
	certificate->has_path_length = fields.left != 0;
	if (!fields.left)
		return true;
	/* A length without an authority would mean nothing. */
	return certificate->ca && pv_der_small(&fields, 255, &certificate->path_length) && !fields.left;
}

static bool read_usage(struct pv_certificate *certificate, struct pv_der in)
{
	struct pv_der bits;

	if (!pv_der_take(&in, PV_DER_BIT_STRING, NULL, &bits) || in.left || bits.left < 2 ||
		bits.left > 3 || bits.at[0] > 7 || bits.at[bits.left - 1] & ((1u << bits.at[0]) - 1))
		return false;
	certificate->has_usage = true;
	certificate->signs_data = bits.at[1] & DIGITAL_SIGNATURE;
	certificate->signs_certificates = bits.at[1] & KEY_CERT_SIGN;
	return true;
}

static bool read_extended(struct pv_certificate *certificate, struct pv_der in)
{
	struct pv_der purposes, purpose;

	if (!pv_der_take(&in, PV_DER_SEQUENCE, NULL, &purposes) || in.left || !purposes.left)
		return false;
	certificate->has_extended = true;
	while (purposes.left) {
		if (!pv_der_take(&purposes, PV_DER_OID, NULL, &purpose) || !purpose.left)
			return false;
		certificate->signs_code |= pv_der_equal(&purpose, code_signing, sizeof(code_signing)) ||
					   pv_der_equal(&purpose, any_usage, sizeof(any_usage));
	}
	return true;
}

static const struct {
	uint8_t id[3];
	bool (*read)(struct pv_certificate *certificate, struct pv_der in);
} known[] = {
	{{0x55, 0x1d, 0x13}, read_constraints},
	{{0x55, 0x1d, 0x0f}, read_usage},
	{{0x55, 0x1d, 0x25}, read_extended},
};

static int read_one(
	struct pv_certificate *certificate, struct pv_der *list, struct pv_der *id, struct pv_err *err)
{
	struct pv_der fields, value;
	bool critical;

	if (!pv_der_take(list, PV_DER_SEQUENCE, NULL, &fields) ||
		!pv_der_take(&fields, PV_DER_OID, NULL, id) || !pv_der_flag(&fields, &critical) ||
		!pv_der_take(&fields, PV_DER_OCTET_STRING, NULL, &value) || fields.left)
		return pv_err_set(err, "its extensions are not DER");
	for (size_t i = 0; i < PV_COUNT(known); i++)
		if (pv_der_equal(id, known[i].id, sizeof(known[i].id)))
			return known[i].read(certificate, value)
				       ? 0
				       : pv_err_set(
						 err, "its extension 2.5.29.%d is not DER", known[i].id[2]);
	return critical ? pv_err_set(err, "it has a critical extension that is not known") : 0;
}

static int read_list(struct pv_certificate *certificate, struct pv_der list, struct pv_err *err)
{
	struct pv_der ids[PV_CERTIFICATE_EXTENSIONS];

	for (size_t count = 0; list.left; count++) {
		if (count == PV_CERTIFICATE_EXTENSIONS)
			return pv_err_set(err, "it has more than %d extensions", PV_CERTIFICATE_EXTENSIONS);
		if (read_one(certificate, &list, &ids[count], err) < 0)
			return -1;
		for (size_t i = 0; i < count; i++)
			if (pv_der_equal(&ids[i], ids[count].at, ids[count].left))
				return pv_err_set(err, "it has an extension twice");
	}
	return 0;
}

int pv_extensions_read(struct pv_certificate *certificate, struct pv_der in, struct pv_err *err)
{
	struct pv_der content, list;

	if (!in.left)
		return 0;
	if (!pv_der_take(&in, PV_DER_CONTEXT + 3, NULL, &content) || in.left ||
		!pv_der_take(&content, PV_DER_SEQUENCE, NULL, &list) || content.left || !list.left)
		return pv_err_set(err, "its extensions are not DER");
	return read_list(certificate, list, err);
}
