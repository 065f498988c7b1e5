/* SPDX-License-Identifier: MIT */
/*
 * Another revision becomes revision 0, the one that is left when all others fail. The old one is exchanged
 * for it in one step, once the new one is whole and at its place on the medium; until then it is not
 * touched. Its logs and its volumes of persistence `revision` go before.
 */
#ifndef PV_FACTORY_H
#define PV_FACTORY_H

#include "verify.h"

#define PV_FACTORY "0"

/* `options` are how it is judged, once more; `running` is a release that counts, recorded or not. Revision
 * 0 must not run. */
int pv_factory_make(struct pv_storage at, const struct pv_verify *options, long running, const char *from,
	struct pv_err *err);

#endif
