/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "names.h"
#include "sha256.h"
#include "text.h"

static int read_entry(
	struct pv_state *state, const struct pv_json_node *node, struct pv_entry *entry, struct pv_err *err)
{
	const char *path = pv_json_key(&state->doc, node), *text = pv_json_string(&state->doc, node);

	if (!pv_path_is(path))
		return pv_err_set(err, "\"%.100s\" is not a path", path);
	/* Published devices look for #spec first. */
	if (strcmp(path, "#spec") < 0)
		return pv_err_set(err, "%.100s sorts before #spec", path);
	if (pv_starts_with(path, ".pv"))
		return pv_err_set(err, "%.100s is in a directory that is not a state's", path);
	*entry = (struct pv_entry){.path = path, .value = node};
	if (pv_sha256_is(text))
		entry->object_id = text;
	else if (!pv_ends_with(path, ".json"))
		return pv_err_set(err, "%.200s is neither an object id nor inline JSON", path);
	else if (node->type != PV_JSON_OBJECT && node->type != PV_JSON_ARRAY)
		return pv_err_set(err, "%.200s is neither an object id nor a JSON object or array", path);
	return 0;
}

/* A slash sorts before all else: what is in a folder follows right after a path of the folder's name. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

static int compare_entries(const void *a, const void *b)
{
	const struct pv_entry *const *left = a, *const *right = b;

	return compare_paths((*left)->path, (*right)->path);
}

static int compare_with_entry(const void *path, const void *entry)
{
	const struct pv_entry *const *other = entry;

	return compare_paths(path, (*other)->path);
}

static int sort_entries(struct pv_state *state, struct pv_err *err)
{
	state->sorted = pv_alloc(state->entry_count, sizeof(*state->sorted));
	for (size_t i = 0; i < state->entry_count; i++)
		state->sorted[i] = &state->entries[i];
	qsort(state->sorted, state->entry_count, sizeof(*state->sorted), compare_entries);
	for (size_t i = 1; i < state->entry_count; i++) {
		const char *before = state->sorted[i - 1]->path, *path = state->sorted[i]->path;

		if (pv_starts_with(path, before) && path[strlen(before)] == '/')
			return pv_err_set(err, "%.200s is a file and a directory", before);
	}
	return 0;
}

static int read_entries(struct pv_state *state, struct pv_err *err)
{
	const struct pv_json_node *root = pv_json_root(&state->doc);
	const char *spec = pv_json_string(&state->doc, pv_json_get(&state->doc, root, "#spec"));

	if (!spec || strcmp(spec, PV_STATE_SPEC))
		return pv_err_set(err, "the state is not of the format " PV_STATE_SPEC);
	if (root->count > PV_STATE_PATHS)
		return pv_err_set(err, "the state has more than %d paths", PV_STATE_PATHS);
	state->entries = pv_alloc(root->count, sizeof(*state->entries));
	for (const struct pv_json_node *n = pv_json_first(&state->doc, root); n;
		n = pv_json_next(&state->doc, n)) {
		if (!strcmp(pv_json_key(&state->doc, n), "#spec"))
			continue;
		if (read_entry(state, n, &state->entries[state->entry_count++], err) < 0)
			return -1;
	}
	return sort_entries(state, err);
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
	free(state->sorted);
	free(state->entries);
	pv_json_free(&state->doc);
	*state = (struct pv_state){0};
}

struct pv_entry *pv_state_find(const struct pv_state *state, const char *path)
{
	struct pv_entry **found = bsearch(
		path, state->sorted, state->entry_count, sizeof(*state->sorted), compare_with_entry);

	return found ? *found : NULL;
}
