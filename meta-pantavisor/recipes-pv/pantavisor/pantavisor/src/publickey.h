/* SPDX-License-Identifier: MIT */
/*
 * Public keys as certificates hold them (SubjectPublicKeyInfo in DER): RSA of 2048 to 8192 bits with an odd
 * exponent from 3 to 2^32, and points of P-256, P-384 and P-521, uncompressed, on curves that are named.
 * Nothing else.
 */
#ifndef PV_PUBLICKEY_H
#define PV_PUBLICKEY_H

#include <mbedtls/md.h>
#include <mbedtls/pk.h>

#include "der.h"
#include "err.h"

#define PV_RSA_LOW_BITS 2048
#define PV_RSA_HIGH_BITS 8192
#define PV_EC_BYTES 66 /* of the longest coordinate */

struct pv_publickey {
	mbedtls_pk_context pk;
	size_t coordinate; /* bytes; 0: RSA */
};

int pv_publickey_parse(struct pv_publickey *key, const struct pv_der *info, struct pv_err *err);
void pv_publickey_free(struct pv_publickey *key);
/* RSA: PKCS#1 v1.5. EC: r||s, each as long as a coordinate. */
int pv_publickey_verify(struct pv_publickey *key, mbedtls_md_type_t hash, const struct pv_der *data,
	const struct pv_der *signature, struct pv_err *err);

/* r||s to the DER that mbedTLS reads. `der` has room for PV_PUBLICKEY_DER_BYTES; the length. */
#define PV_PUBLICKEY_DER_BYTES 160
size_t pv_publickey_der(const uint8_t *raw, size_t length, uint8_t *der);

#endif
