/* SPDX-License-Identifier: MIT */
/*
 * The cryptographic half of a pvs@2 signature: a JWS (RFC 7515) with a detached payload, whose certificate
 * chain comes in x5c, leaf first. The algorithm is tied to the key: RS256 goes with RSA, ES256, ES384 and
 * ES512 with the curve of that size.
 */
#ifndef PV_JWS_H
#define PV_JWS_H

#include "trust.h"

#define PV_JWS_CERTIFICATES PV_TRUST_CHAIN
#define PV_JWS_CERTIFICATE_TEXT (PV_CERTIFICATE_BYTES / 3 * 4)

/* What a header has on its signer: the algorithm, and certificates in base64, leaf first. */
struct pv_jws_header {
	const char *algorithm;
	const char *x5c[PV_JWS_CERTIFICATES];
	size_t x5c_count;
};

/* A key that the trust store trusts, to be used with one algorithm. */
struct pv_signer;

int pv_signer_open(struct pv_signer **signer, const struct pv_jws_header *header, struct pv_trust *trust,
	struct pv_err *err);
void pv_signer_close(struct pv_signer *signer);
const struct pv_identity *pv_signer_identity(const struct pv_signer *signer);
/* `signature` in base64url. */
int pv_signer_verify(
	struct pv_signer *signer, const char *signing_input, const char *signature, struct pv_err *err);

#endif
