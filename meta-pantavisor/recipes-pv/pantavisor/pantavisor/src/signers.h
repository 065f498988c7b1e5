/* SPDX-License-Identifier: MIT */
/*
 * The table of signers: who may sign what. JSON next to the trust store,
 *
 *   {"#spec":"pantavisor-signers@1","signers":[
 *     {"name":"Board team","may":"all"},
 *     {"name":"Web team","sha256":"<of a certificate>","may":["web/...","_config/web/..."]}]}
 *
 * An entry means a signature whose leaf has that common name, and whose verified path has that certificate:
 * the leaf, an authority or the root. A signer has the rights of all entries that mean it; who has none may
 * sign nothing. What belongs to the whole device (the bsp and all that is in no folder) is only for those
 * who may sign bsp/run.json. lib/pantavisor/pvs/signers.py is the same.
 */
#ifndef PV_SIGNERS_H
#define PV_SIGNERS_H

#include <stdbool.h>

#include "json.h"
#include "jws.h"
#include "selection.h"

#define PV_SIGNERS_BYTES (256 * 1024)
#define PV_SIGNERS_ENTRIES 64
#define PV_SIGNERS_PATTERNS 64 /* of one entry */

struct pv_signers;

int pv_signers_parse(struct pv_signers **signers, const char *text, size_t length, struct pv_err *err);
void pv_signers_free(struct pv_signers *signers);
/* An error unless `who` may sign all that the signature means; `sights` are those of the state's members.
 */
int pv_signers_check(const struct pv_signers *signers, const struct pv_identity *who,
	const struct pv_json *state, const enum pv_sight *sights, struct pv_err *err);
bool pv_signers_may(const struct pv_signers *signers, const struct pv_identity *who, const char *path);

#endif
