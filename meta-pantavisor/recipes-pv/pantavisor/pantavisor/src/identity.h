/* SPDX-License-Identifier: MIT */
/* Who signs, as a verified chain of certificates has it. */
#ifndef PV_IDENTITY_H
#define PV_IDENTITY_H

#include "der.h"
#include "sha256.h"

#define PV_IDENTITY_NAME_BYTES 128
#define PV_IDENTITY_CERTIFICATES 12

struct pv_identity {
	/* The leaf's common name; empty if it has not exactly one, in printable ASCII. */
	char name[PV_IDENTITY_NAME_BYTES];
	/* Of the leaf, the authorities above it and the roots that certify them. */
	char sha256[PV_IDENTITY_CERTIFICATES][PV_SHA256_HEX + 1];
	size_t count;
};

/* Adds a certificate's digest; more than there is room for are left out. */
void pv_identity_add(struct pv_identity *identity, const struct pv_der *certificate);

#endif
