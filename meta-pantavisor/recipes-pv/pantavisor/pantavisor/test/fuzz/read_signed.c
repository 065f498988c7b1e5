/* SPDX-License-Identifier: MIT */
#include "readers.h"

#include <stdlib.h>

#include "alloc.h"
#include "certificate.h"
#include "file.h"
#include "jws.h"
#include "pvs.h"
#include "pvs_header.h"
#include "selection.h"
#include "signers.h"
#include "state.h"
#include "text.h"
#include "trust.h"

/* The roots that the signed states of the vectors lead to. */
static struct pv_trust *trust_of_vectors(void)
{
	static struct pv_trust *trust;
	const char *folder = getenv("PV_VECTORS");
	cleanup_free char *path = pv_fmt("%s/ca.ec256.crt", folder ? folder : "");
	cleanup_free char *pem = NULL;
	struct pv_err err;
	size_t length;

	if (!trust)
		fuzz_require(pv_read_file(path, FUZZ_LONGEST, &pem, &length, &err) == 0 &&
				     pv_trust_parse(&trust, pem, &err) == 0,
			"PV_VECTORS names the folder of the vectors");
	return trust;
}

void read_state(const char *bytes, size_t length)
{
	static const enum pv_secureboot modes[] = {
		PV_SECUREBOOT_AUDIT, PV_SECUREBOOT_LENIENT, PV_SECUREBOOT_STRICT};
	struct pv_state state;
	struct pv_err err;

	if (pv_state_parse(&state, bytes, length, &err) < 0)
		return;
	for (size_t i = 0; i < PV_COUNT(modes); i++) {
		struct pv_pvs_policy policy = {.mode = modes[i], .trust = trust_of_vectors()};
		struct pv_pvs_result result;

		(void)pv_pvs_verify(&state.doc, &policy, &result, &err);
		pv_pvs_result_free(&result);
	}
	(void)pv_state_read_manifests(&state, 1, "6.1", &err);
	for (size_t i = 0; i < state.container_count; i++)
		fuzz_require(state.containers[i].group <= PV_GROUPS, "a group is one of the state's");
	pv_state_free(&state);
}

/* The header of a signature: JSON that names certificates and patterns. */
void read_header(const char *bytes, size_t length)
{
	cleanup_free struct pv_selection *selection = pv_alloc(1, sizeof(*selection));
	struct pv_jws_header jws = {0};
	struct pv_signer *signer;
	enum pv_sight sight;
	struct pv_json doc;
	struct pv_err err;

	if (pv_json_parse(&doc, bytes, length, &err) < 0)
		return;
	if (pv_pvs_header_read(&doc, &jws, &err) == 0 &&
		pv_signer_open(&signer, &jws, trust_of_vectors(), &err) == 0) {
		(void)pv_signer_verify(signer, "input", "c2lnbmF0dXJl", &err);
		pv_signer_close(signer);
	}
	if (length < 4096 && pv_selection_read(selection, &doc, &err) == 0)
		(void)pv_selection_see(selection, "app/root.squashfs", &sight, &err);
	pv_json_free(&doc);
}

void read_certificate(const char *bytes, size_t length)
{
	char name[PV_IDENTITY_NAME_BYTES];
	struct pv_certificate certificate;
	struct pv_trust *trust;
	struct pv_err err;

	if (pv_certificate_parse(&certificate, (const uint8_t *)bytes, length, &err) == 0) {
		pv_certificate_name(&certificate, name);
		(void)pv_certificate_issued(&certificate, &certificate, 0);
		pv_certificate_free(&certificate);
	}
	if (pv_trust_parse(&trust, bytes, &err) == 0)
		pv_trust_free(trust);
}

void read_signers(const char *bytes, size_t length)
{
	static const struct pv_identity stranger = {.name = "of no entry \x01"};
	struct pv_signers *signers;
	struct pv_err err;

	if (pv_signers_parse(&signers, bytes, length, &err) < 0)
		return;
	(void)pv_signers_may(signers, &stranger, "app/run.json");
	pv_signers_free(signers);
}
