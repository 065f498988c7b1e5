/* SPDX-License-Identifier: MIT */
/*
 * X.509 certificates of signers, in one profile that the library on the host shares
 * (docs/formats/signature.md): DER to the last byte, version 3, keys as in publickey.h, no extension that
 * is critical and unknown. Dates must be dates, but are not judged: PID 1 has no clock that it could trust.
 */
#ifndef PV_CERTIFICATE_H
#define PV_CERTIFICATE_H

#include "identity.h"
#include "publickey.h"

#define PV_CERTIFICATE_BYTES (12 * 1024)
#define PV_CERTIFICATE_EXTENSIONS 32

struct pv_certificate {
	struct pv_der der, tbs, issuer, subject, signature; /* in the caller's bytes */
	mbedtls_md_type_t hash; /* of its signature; MBEDTLS_MD_NONE: one that is not allowed */
	bool signed_by_ec;
	struct pv_publickey key;

	bool ca;
	bool has_path_length;
	unsigned int path_length;
	bool has_usage, signs_data, signs_certificates;
	bool has_extended, signs_code;
};

/* The bytes must outlive the certificate. To be freed after success only. */
int pv_certificate_parse(
	struct pv_certificate *certificate, const uint8_t *der, size_t length, struct pv_err *err);
void pv_certificate_free(struct pv_certificate *certificate);
/* Whether `parent` may have issued `child` and did. `below`: authorities between it and the leaf. */
bool pv_certificate_issued(const struct pv_certificate *child, struct pv_certificate *parent, size_t below);
/* The common name of the subject; "" if it has not exactly one, in printable ASCII. */
void pv_certificate_name(const struct pv_certificate *certificate, char name[PV_IDENTITY_NAME_BYTES]);

#endif
