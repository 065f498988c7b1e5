/* SPDX-License-Identifier: MIT */
/* What the header of a signature has on its signer. The patterns are read by selection.c. */
#ifndef PV_PVS_HEADER_H
#define PV_PVS_HEADER_H

#include "json.h"
#include "jws.h"

/* The texts stay in the header. */
int pv_pvs_header_read(const struct pv_json *header, struct pv_jws_header *jws, struct pv_err *err);

#endif
