/* SPDX-License-Identifier: MIT */
#include "trust.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "base64.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct pv_trust {
	size_t count;
	unsigned char *ders[PV_TRUST_ROOTS];
	struct pv_certificate roots[PV_TRUST_ROOTS];
};

static int decode(const char *from, size_t length, unsigned char **der, size_t *size, struct pv_err *err)
{
	cleanup_free char *text = pv_alloc(length + 1, 1);
	size_t used = 0;

	for (size_t i = 0; i < length; i++)
		if (!isspace((unsigned char)from[i]))
			text[used++] = from[i];
	return pv_base64_decode(PV_BASE64_STANDARD, text, der, size, err);
}

static int add_root(struct pv_trust *trust, const char *from, size_t length, struct pv_err *err)
{
	cleanup_free unsigned char *der = NULL;
	size_t size;

	if (trust->count == PV_TRUST_ROOTS)
		return pv_err_set(err, "more than %d certificates", PV_TRUST_ROOTS);
	if (decode(from, length, &der, &size, err) < 0 ||
		pv_certificate_parse(&trust->roots[trust->count], der, size, err) < 0)
		return pv_err_wrap(err, "certificate %zu", trust->count + 1);
	trust->ders[trust->count++] = der;
	der = NULL;
	return 0;
}

static int add_all(struct pv_trust *trust, const char *pem, struct pv_err *err)
{
	const char *end;

	for (const char *at = pem; (at = strstr(at, BEGIN)); at = end) {
		at += strlen(BEGIN);
		end = strstr(at, END);
		if (!end)
			return pv_err_set(err, "a certificate has no line \"" END "\"");
		if (add_root(trust, at, (size_t)(end - at), err) < 0)
			return -1;
	}
	return trust->count ? 0 : pv_err_set(err, "there are no certificates");
}

int pv_trust_parse(struct pv_trust **trust, const char *pem, struct pv_err *err)
{
	struct pv_trust *fresh = pv_alloc(1, sizeof(*fresh));

	if (add_all(fresh, pem, err) < 0) {
		pv_trust_free(fresh);
		return -1;
	}
	*trust = fresh;
	return 0;
}

void pv_trust_free(struct pv_trust *trust)
{
	for (size_t i = 0; trust && i < trust->count; i++) {
		pv_certificate_free(&trust->roots[i]);
		free(trust->ders[i]);
	}
	free(trust);
}

static int check_usage(const struct pv_certificate *chain, size_t count, struct pv_err *err)
{
	if (chain->has_usage && !chain->signs_data)
		return pv_err_set(err, "its certificate is not for digital signatures");
	for (size_t i = 0; i < count; i++)
		if (chain[i].has_extended && !chain[i].signs_code)
			return pv_err_set(err, "its certificate is not for code signing");
	return 0;
}

/* A renewed root is next to its older self, with the same name and key: both count. */
static int check_roots(struct pv_trust *trust, const struct pv_certificate *last, size_t below,
	struct pv_identity *identity, struct pv_err *err)
{
	bool found = false;

	for (size_t i = 0; i < trust->count; i++) {
		struct pv_certificate *root = &trust->roots[i];

		if (!pv_der_equal(&last->der, root->der.at, root->der.left) &&
			!pv_certificate_issued(last, root, below))
			continue;
		pv_identity_add(identity, &root->der);
		found = true;
	}
	return found ? 0 : pv_err_set(err, "its certificate is not trusted: it leads to no trusted root");
}

int pv_trust_check(struct pv_trust *trust, struct pv_certificate *chain, size_t count,
	struct pv_identity *identity, struct pv_err *err)
{
	*identity = (struct pv_identity){0};
	if (check_usage(chain, count, err) < 0)
		return -1;
	for (size_t i = 0; i + 1 < count; i++)
		if (!pv_certificate_issued(&chain[i], &chain[i + 1], i))
			return pv_err_set(err, "its certificates do not form a chain");
	for (size_t i = 0; i < count; i++)
		pv_identity_add(identity, &chain[i].der);
	pv_certificate_name(chain, identity->name);
	return check_roots(trust, &chain[count - 1], count - 1, identity, err);
}
