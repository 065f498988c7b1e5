/* SPDX-License-Identifier: MIT */
/* The roots of a device, and whether a chain of certificates leads to one of them. */
#ifndef PV_TRUST_H
#define PV_TRUST_H

#include "certificate.h"
#include "identity.h"

#define PV_TRUST_CHAIN 8
#define PV_TRUST_ROOTS 256

struct pv_trust;

/* Certificates from a PEM text that ends in a NUL; what is between them does not matter. */
int pv_trust_parse(struct pv_trust **trust, const char *pem, struct pv_err *err);
void pv_trust_free(struct pv_trust *trust);
/* A chain, leaf first: each certificate is issued by the next, the last one by a root or is one; all are
 * for signing code, where they limit their use, and the leaf is for signing data. `identity` is whose it
 * is. */
int pv_trust_check(struct pv_trust *trust, struct pv_certificate *chain, size_t count,
	struct pv_identity *identity, struct pv_err *err);

#endif
