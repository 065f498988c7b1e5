/* SPDX-License-Identifier: MIT */
/* What the storage shows of the revision that runs: its log, and the links `current`, which people follow.
 */
#ifndef PV_CURRENT_H
#define PV_CURRENT_H

#include "pv.h"

/* From then on the log goes there. */
void pv_current_log(const struct pv *pv);
void pv_current_point(const struct pv *pv);
/* Both. */
void pv_current_show(struct pv *pv);

#endif
