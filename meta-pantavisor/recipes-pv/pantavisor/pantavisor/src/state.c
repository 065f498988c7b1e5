/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "sha256.h"
#include "util.h"

static int read_entry(
	struct pv_state *state, const struct pv_json_node *node, struct pv_entry *entry, struct pv_err *err)
{
	const char *path = pv_json_key(&state->doc, node), *text = pv_json_string(&state->doc, node);

	if (!pv_path_is(path))
		return pv_err_set(err, "\"%.100s\" is no path", path);
	if (pv_starts_with(path, ".pv/") || pv_starts_with(path, ".pvr/"))
		return pv_err_set(err, "%.100s is in a folder that is not a state's", path);
	*entry = (struct pv_entry){.path = path, .value = node};
	if (pv_sha256_is(text))
		entry->object_id = text;
	else if (!pv_ends_with(path, ".json"))
		return pv_err_set(err, "%.200s is neither an object id nor inline JSON", path);
	return 0;
}

static int read_entries(struct pv_state *state, struct pv_err *err)
{
	const struct pv_json_node *root = pv_json_root(&state->doc);
	const char *spec = pv_json_string(&state->doc, pv_json_get(&state->doc, root, "#spec"));

	if (!spec || strcmp(spec, PV_STATE_SPEC))
		return pv_err_set(err, "the state is not of the format " PV_STATE_SPEC);
	state->entries = pv_alloc(root->count, sizeof(*state->entries));
	for (const struct pv_json_node *n = pv_json_first(&state->doc, root); n;
		n = pv_json_next(&state->doc, n)) {
		if (!strcmp(pv_json_key(&state->doc, n), "#spec"))
			continue;
		if (read_entry(state, n, &state->entries[state->entry_count++], err) < 0)
			return -1;
	}
	return 0;
}

int pv_state_parse(struct pv_state *state, const char *text, size_t length, struct pv_err *err)
{
	*state = (struct pv_state){0};
	if (pv_json_parse(&state->doc, text, length, err) < 0)
		return pv_err_wrap(err, "the state");
	if (read_entries(state, err) == 0)
		return 0;
	pv_state_free(state);
	return -1;
}

void pv_state_free(struct pv_state *state)
{
	for (size_t i = 0; i < state->container_count; i++) {
		free(state->containers[i].files);
		free(state->containers[i].storages);
	}
	free(state->containers);
	free(state->entries);
	pv_json_free(&state->doc);
	*state = (struct pv_state){0};
}

struct pv_entry *pv_state_find(const struct pv_state *state, const char *path)
{
	for (size_t i = 0; i < state->entry_count; i++)
		if (!strcmp(state->entries[i].path, path))
			return &state->entries[i];
	return NULL;
}
