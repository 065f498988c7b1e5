/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <mbedtls/md.h>
#include <stdio.h>

void pv_identity_add(struct pv_identity *identity, const struct pv_der *certificate)
{
	unsigned char digest[PV_SHA256_HEX / 2];

	if (identity->count == PV_IDENTITY_CERTIFICATES ||
		mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), certificate->at, certificate->left,
			digest))
		return;
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(identity->sha256[identity->count] + 2 * i, 3, "%02x", digest[i]);
	identity->count++;
}
