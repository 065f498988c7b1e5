/* SPDX-License-Identifier: MIT */
#include "selection.h"

#include "pattern.h"

static int read_patterns(
	const struct pv_json *header, const char *name, struct pv_selection *selection, struct pv_err *err)
{
	const struct pv_json_node *pvs = pv_json_get(header, pv_json_root(header), "pvs");
	const struct pv_json_node *array = pv_json_get(header, pvs, name);

	if (!pv_json_is(array, PV_JSON_ARRAY) || array->count > PV_SELECTION_PATTERNS - selection->count)
		return pv_err_set(err, "its header has no array \"%s\", or more than %d patterns", name,
			PV_SELECTION_PATTERNS);
	for (const struct pv_json_node *n = pv_json_first(header, array); n; n = pv_json_next(header, n)) {
		const char *pattern = pv_json_string(header, n);

		if (!pattern)
			return pv_err_set(err, "its header has a pattern that is not a string");
		if (pv_pattern_check(pattern, err) < 0)
			return -1;
		selection->patterns[selection->count++] = pattern;
		selection->cost += pv_pattern_cost(pattern);
	}
	return 0;
}

int pv_selection_read(struct pv_selection *selection, const struct pv_json *header, struct pv_err *err)
{
	*selection = (struct pv_selection){0};
	if (read_patterns(header, "include", selection, err) < 0)
		return -1;
	selection->includes = selection->count;
	return read_patterns(header, "exclude", selection, err);
}

int pv_selection_see(
	const struct pv_selection *selection, const char *path, enum pv_sight *sight, struct pv_err *err)
{
	*sight = PV_UNSEEN;
	for (size_t i = selection->count; i-- > 0;) {
		const char *pattern = selection->patterns[i];

		if (pv_pattern_is_ambiguous(pattern, path))
			return pv_err_set(err,
				"readers disagree on whether its pattern \"%.80s\" selects %.80s", pattern,
				path);
		if (*sight == PV_UNSEEN && pv_pattern_match(pattern, path))
			*sight = i < selection->includes ? PV_SIGNED : PV_EXCLUDED;
	}
	return 0;
}
