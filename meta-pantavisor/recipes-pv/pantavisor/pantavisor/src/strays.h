/* SPDX-License-Identifier: MIT */
/*
 * Names below a revision that its state does not list. Nothing reads them, and they were put there: the
 * revision is refused. In addition to the state's own there are those that devices, boot loaders and tools
 * keep in .pv/ and .pvr/.
 */
#ifndef PV_STRAYS_H
#define PV_STRAYS_H

#include "objects.h"

int pv_strays_refuse(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err);

#endif
