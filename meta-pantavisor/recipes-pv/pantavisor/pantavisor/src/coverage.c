/* SPDX-License-Identifier: MIT */
#include "coverage.h"

#include <string.h>

#include "alloc.h"
#include "text.h"

static bool is_note(const char *name)
{
	return !strcmp(name, "src.json") || !strcmp(name, "build.json");
}

bool pv_coverage_is_free(const struct pv_json *state, const char *path)
{
	const char *slash = strchr(path, '/');
	cleanup_free char *run = slash ? pv_fmt("%.*s/run.json", (int)(slash - path), path) : NULL;

	if (!slash || !strcmp(path, "bsp/pantavisor.fit"))
		return slash || is_note(path);
	return is_note(slash + 1) && pv_json_get(state, pv_json_root(state), run);
}

/* In the words by which published tools know it. */
int pv_coverage_check(const struct pv_json *state, const bool *covered, struct pv_err *err)
{
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n), i++)
		if (!covered[i] && !pv_starts_with(pv_json_key(state, n), "_sigs/"))
			return pv_err_set(err,
				"State not fully covered by signatures: no signature covers %.200s",
				pv_json_key(state, n));
	return 0;
}
