/* SPDX-License-Identifier: MIT */
/* The extensions of a certificate that limit what its key is for. */
#ifndef PV_EXTENSION_H
#define PV_EXTENSION_H

#include "certificate.h"

/* `in`: what follows the key. */
int pv_extensions_read(struct pv_certificate *certificate, struct pv_der in, struct pv_err *err);

#endif
