/* SPDX-License-Identifier: MIT */
#include "diff.h"

#include <string.h>

#include "text.h"

#define CONFIG "_config/"
#define SIGNATURES "_sigs/"

struct walk {
	const struct pv_state *before, *after;
	struct pv_diff *diff;
};

/* The container whose folder the path is in; its index, or the state's number of them. */
static size_t find_container(const struct pv_state *state, const char *path)
{
	size_t length, i = 0;

	if (pv_starts_with(path, CONFIG))
		path += strlen(CONFIG);
	length = strcspn(path, "/");
	while (i < state->container_count &&
		(!path[length] || strlen(state->containers[i].name) != length ||
			strncmp(state->containers[i].name, path, length)))
		i++;
	return i;
}

/* Inline JSON has the same bytes, for those are what is signed and what lies on the storage. */
static bool is_same(const struct pv_state *before, const struct pv_entry *old, const struct pv_state *after,
	const struct pv_entry *new)
{
	size_t length = old->value->end - old->value->start;

	return length == new->value->end - new->value->start &&
	       !memcmp(before->doc.text + old->value->start, after->doc.text + new->value->start, length);
}

static bool needs_system(const struct pv_state *state, size_t index)
{
	return index < state->container_count && state->containers[index].restart == PV_RESTART_SYSTEM;
}

static void note_change(struct walk *walk, const char *path)
{
	size_t old = find_container(walk->before, path), new = find_container(walk->after, path);
	bool was = old < walk->before->container_count, is = new < walk->after->container_count;

	if ((!was && !is) || needs_system(walk->before, old) || needs_system(walk->after, new)) {
		if (!walk->diff->reboot)
			walk->diff->reboot = path;
		return;
	}
	if (was)
		walk->diff->before[old] = is ? PV_CHANGE_RESTART : PV_CHANGE_STOP;
	if (is)
		walk->diff->after[new] = was ? PV_CHANGE_RESTART : PV_CHANGE_START;
}

/* The same files may be signed by another one, and so be confined or not. Its run.json stands for it. */
static void compare_confinement(struct walk *walk)
{
	for (size_t i = 0; i < walk->after->entry_count; i++) {
		const char *path = walk->after->entries[i].path;
		size_t old = find_container(walk->before, path), new = find_container(walk->after, path);

		if (old < walk->before->container_count && new < walk->after->container_count &&
			pv_ends_with(path, "/run.json") &&
			walk->before->containers[old].is_confined !=
				walk->after->containers[new].is_confined)
			note_change(walk, path);
	}
}

void pv_diff_states(const struct pv_state *before, const struct pv_state *after, struct pv_diff *diff)
{
	struct walk walk = {before, after, diff};

	*diff = (struct pv_diff){0};
	for (size_t i = 0; i < before->entry_count; i++) {
		const struct pv_entry *old = &before->entries[i], *new = pv_state_find(after, old->path);

		if (!pv_starts_with(old->path, SIGNATURES) && (!new || !is_same(before, old, after, new)))
			note_change(&walk, old->path);
	}
	for (size_t i = 0; i < after->entry_count; i++)
		if (!pv_starts_with(after->entries[i].path, SIGNATURES) &&
			!pv_state_find(before, after->entries[i].path))
			note_change(&walk, after->entries[i].path);
	compare_confinement(&walk);
}
