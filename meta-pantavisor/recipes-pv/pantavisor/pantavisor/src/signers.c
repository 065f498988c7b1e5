/* SPDX-License-Identifier: MIT */
#include "signers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "pattern.h"
#include "text.h"

#define SPEC "pantavisor-signers@1"
#define BSP "bsp/run.json"
#define NAME "1 to 127 printable ASCII characters"
#define DIGEST "64 lower-case hex digits"

static_assert(PV_IDENTITY_NAME_BYTES == 128, "the sentence has the number");

struct entry {
	const char *name, *sha256; /* NULL: any */
	bool all;
	const char *may[PV_SIGNERS_PATTERNS];
	size_t may_count;
};

struct pv_signers {
	struct pv_json doc;
	struct entry entries[PV_SIGNERS_ENTRIES];
	size_t count;
};

static int check_members(const struct pv_json *doc, const struct pv_json_node *object,
	const char *const *known, struct pv_err *err)
{
	for (const struct pv_json_node *n = pv_json_first(doc, object); n; n = pv_json_next(doc, n)) {
		const char *key = pv_json_key(doc, n);
		const char *const *word = known;

		while (*word && (!key || strcmp(*word, key)))
			word++;
		if (!*word)
			return pv_err_set(err, "it has the unknown member \"%.40s\"", key ? key : "");
	}
	return 0;
}

static bool is_hex(const char *text)
{
	return strlen(text) == PV_SHA256_HEX && strspn(text, "0123456789abcdef") == PV_SHA256_HEX;
}

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return length && length < PV_IDENTITY_NAME_BYTES;
}

/* A member that may be missing, but not something else than `form`. */
static int read_word(const struct pv_json *doc, const struct pv_json_node *object, const char *member,
	bool (*is_good)(const char *), const char *form, const char **word, struct pv_err *err)
{
	const struct pv_json_node *node = pv_json_get(doc, object, member);

	if (!node)
		return 0;
	*word = pv_json_string(doc, node);
	return *word && is_good(*word) ? 0 : pv_err_set(err, "its \"%s\" is not %s", member, form);
}

static int read_may(
	const struct pv_json *doc, const struct pv_json_node *may, struct entry *entry, struct pv_err *err)
{
	const char *word = pv_json_string(doc, may);

	entry->all = word && !strcmp(word, "all");
	if (entry->all)
		return 0;
	if (!pv_json_is(may, PV_JSON_ARRAY) || may->count > PV_SIGNERS_PATTERNS)
		return pv_err_set(err, "its \"may\" is neither \"all\" nor an array of at most %d patterns",
			PV_SIGNERS_PATTERNS);
	for (const struct pv_json_node *n = pv_json_first(doc, may); n; n = pv_json_next(doc, n)) {
		const char *pattern = pv_json_string(doc, n);

		if (!pattern)
			return pv_err_set(err, "its \"may\" has a pattern that is not a string");
		if (pv_pattern_check(pattern, err) < 0)
			return -1;
		entry->may[entry->may_count++] = pattern;
	}
	return 0;
}

static int read_entry(
	const struct pv_json *doc, const struct pv_json_node *node, struct entry *entry, struct pv_err *err)
{
	static const char *const known[] = {"name", "sha256", "may", NULL};

	if (!pv_json_is(node, PV_JSON_OBJECT))
		return pv_err_set(err, "it is not an object");
	if (check_members(doc, node, known, err) < 0 ||
		read_word(doc, node, "name", is_name, NAME, &entry->name, err) < 0 ||
		read_word(doc, node, "sha256", is_hex, DIGEST, &entry->sha256, err) < 0)
		return -1;
	if (!entry->name && !entry->sha256)
		return pv_err_set(err, "it has neither \"name\" nor \"sha256\"");
	return read_may(doc, pv_json_get(doc, node, "may"), entry, err);
}

static int read_entries(struct pv_signers *signers, struct pv_err *err)
{
	static const char *const known[] = {"#spec", "signers", NULL};
	const struct pv_json *doc = &signers->doc;
	const struct pv_json_node *root = pv_json_root(doc), *list = pv_json_get(doc, root, "signers");
	const char *spec = pv_json_string(doc, pv_json_get(doc, root, "#spec"));

	if (!spec || strcmp(spec, SPEC))
		return pv_err_set(err, "its \"#spec\" is not " SPEC);
	if (check_members(doc, root, known, err) < 0)
		return -1;
	if (!pv_json_is(list, PV_JSON_ARRAY) || list->count > PV_SIGNERS_ENTRIES)
		return pv_err_set(err, "it has no array \"signers\" of at most %d", PV_SIGNERS_ENTRIES);
	for (const struct pv_json_node *n = pv_json_first(doc, list); n; n = pv_json_next(doc, n)) {
		if (read_entry(doc, n, &signers->entries[signers->count++], err) < 0)
			return pv_err_wrap(err, "signer %zu", signers->count);
	}
	return 0;
}

int pv_signers_parse(struct pv_signers **signers, const char *text, size_t length, struct pv_err *err)
{
	struct pv_signers *fresh = pv_alloc(1, sizeof(*fresh));

	if (pv_json_parse(&fresh->doc, text, length, err) < 0) {
		free(fresh);
		return -1;
	}
	if (read_entries(fresh, err) < 0) {
		pv_signers_free(fresh);
		return -1;
	}
	*signers = fresh;
	return 0;
}

void pv_signers_free(struct pv_signers *signers)
{
	if (!signers)
		return;
	pv_json_free(&signers->doc);
	free(signers);
}

static bool matches(const struct entry *entry, const struct pv_identity *who)
{
	if (entry->name && strcmp(entry->name, who->name))
		return false;
	for (size_t i = 0; entry->sha256 && i < who->count; i++)
		if (!strcmp(entry->sha256, who->sha256[i]))
			return true;
	return !entry->sha256;
}

static bool allows(const struct entry *entry, const char *path)
{
	for (size_t i = 0; i < entry->may_count; i++)
		if (pv_pattern_match(entry->may[i], path))
			return true;
	return entry->all;
}

static bool any_allows(const struct pv_signers *signers, const struct pv_identity *who, const char *path)
{
	for (size_t i = 0; i < signers->count; i++)
		if (matches(&signers->entries[i], who) && allows(&signers->entries[i], path))
			return true;
	return false;
}

bool pv_signers_may(const struct pv_signers *signers, const struct pv_identity *who, const char *path)
{
	if (!any_allows(signers, who, path))
		return false;
	return (strchr(path, '/') && !pv_starts_with(path, "bsp/")) || any_allows(signers, who, BSP);
}

int pv_signers_check(const struct pv_signers *signers, const struct pv_identity *who,
	const struct pv_json *state, const enum pv_sight *sights, struct pv_err *err)
{
	size_t i = 0;

	for (const struct pv_json_node *n = pv_json_first(state, pv_json_root(state)); n;
		n = pv_json_next(state, n), i++) {
		const char *path = pv_json_key(state, n);

		/* What is excluded counts as covered; signatures need not be. */
		if (sights[i] == PV_UNSEEN || (sights[i] == PV_EXCLUDED && pv_starts_with(path, "_sigs/")))
			continue;
		if (!pv_signers_may(signers, who, path))
			return pv_err_set(err, "its signer \"%s\" may not sign %.200s", who->name, path);
	}
	return 0;
}
