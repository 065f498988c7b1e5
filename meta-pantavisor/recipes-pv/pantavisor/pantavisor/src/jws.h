/* SPDX-License-Identifier: MIT */
/*
 * The cryptographic half of a pvs@2 signature: a JWS (RFC 7515) with a detached payload, whose certificate
 * chain comes in x5c, leaf first. The algorithm is tied to the key: RS256 wants RSA of 2048 bits or more,
 * ES256, ES384 and ES512 want the curve of that size. Periods of validity are not judged: PID 1 has no clock
 * that it could trust. A leaf that names extended key usages must name code signing.
 */
#ifndef PV_JWS_H
#define PV_JWS_H

#include <stddef.h>

#include "err.h"

#define PV_JWS_CERTIFICATES 8
#define PV_JWS_CERTIFICATE_TEXT 16384

struct pv_trust;

/* Roots from a PEM text, its NUL included in `size`. */
int pv_trust_parse(struct pv_trust **trust, const char *pem, size_t size, struct pv_err *err);
void pv_trust_free(struct pv_trust *trust);

/* What a header says of its signer: the algorithm, and certificates in base64, leaf first. */
struct pv_jws_header {
	const char *algorithm;
	const char *x5c[PV_JWS_CERTIFICATES];
	size_t x5c_count;
};

/* A key that the trust store vouches for, to be used with one algorithm. */
struct pv_signer;

int pv_signer_open(struct pv_signer **signer, const struct pv_jws_header *header, struct pv_trust *trust,
	struct pv_err *err);
void pv_signer_close(struct pv_signer *signer);
/* `signature` in base64url. */
int pv_signer_verify(
	struct pv_signer *signer, const char *signing_input, const char *signature, struct pv_err *err);

/* Raw r||s to the DER that mbedTLS reads. `der` has room for PV_JWS_DER_BYTES; the length, or -1. */
#define PV_JWS_DER_BYTES 160
int pv_jws_der(const unsigned char *raw, size_t length, unsigned char *der);

#endif
