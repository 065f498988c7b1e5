/* SPDX-License-Identifier: MIT */
#include "set.h"

#include <string.h>

#include "text.h"

bool pv_set_is_signature(const struct pv_json *state, const struct pv_json_node *node)
{
	const char *spec = pv_json_string(state, pv_json_get(state, node, "#spec"));

	return pv_starts_with(pv_json_key(state, node), "_sigs/") || (spec && !strcmp(spec, "pvs@2"));
}

/* Once, and by its digits: what reads numbers in other ways agrees on nothing else. */
static bool is_plain(const struct pv_json *doc, const struct pv_json_node *node)
{
	static const char word[] = "\"release\"";
	size_t seen = 0;

	for (const char *at = doc->text; (at = strstr(at, word)); at += strlen(word))
		seen++;
	return seen == 1 && strspn(doc->text + node->start, "0123456789") == node->end - node->start;
}

int pv_set_release(const struct pv_json *header, long *release, struct pv_err *err)
{
	const struct pv_json_node *node =
		pv_json_get(header, pv_json_get(header, pv_json_root(header), "pvs"), "release");
	double number;

	*release = 0;
	if (!node)
		return 0;
	if (!pv_json_number(header, node, 1, PV_SET_RELEASE, &number) || !is_plain(header, node))
		return pv_err_set(err, "its \"release\" is not a number from 1 to %d", PV_SET_RELEASE);
	*release = (long)number;
	return 0;
}

int pv_set_check(const struct pv_json *state, const struct pv_json_node *own, const enum pv_sight *sights,
	struct pv_err *err)
{
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n), i++)
		if (n != own && sights[i] != PV_SIGNED && pv_set_is_signature(state, n))
			return pv_err_set(
				err, "it is that of a set and leaves out %.200s", pv_json_key(state, n));
	return 0;
}
