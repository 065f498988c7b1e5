/* SPDX-License-Identifier: MIT */
/* What makes this unit differ from others: the record that a factory wrote onto the storage. No signature
 * covers it, and nothing here reads what is in it. */
#ifndef PV_UNIT_H
#define PV_UNIT_H

#include "err.h"

#define PV_UNIT_FILE "factory/unit.json"
#define PV_UNIT_BYTES 65536

/* Copies the record to `shown`, from where containers have it; without one there is no such file. */
int pv_unit_show(int storage, const char *shown, struct pv_err *err);

#endif
