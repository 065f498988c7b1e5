/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_string.h"
#include "text.h"

static void skip_blanks(struct reader *r)
{
	while (r->at < r->length && strchr(" \t\n\r", r->text[r->at]) && r->text[r->at])
		r->at++;
}

static size_t digits(struct reader *r)
{
	size_t first = r->at;

	while (pv_json_peek(r) >= '0' && pv_json_peek(r) <= '9')
		r->at++;
	return r->at - first;
}

static int read_number(struct reader *r)
{
	if (pv_json_peek(r) == '-')
		r->at++;
	if (pv_json_peek(r) == '0')
		r->at++;
	else if (!digits(r))
		return pv_json_bad(r, "no value");
	if (pv_json_peek(r) == '.') {
		r->at++;
		if (!digits(r))
			return pv_json_bad(r, "bad number");
	}
	if (pv_json_peek(r) == 'e' || pv_json_peek(r) == 'E') {
		r->at++;
		if (pv_json_peek(r) == '+' || pv_json_peek(r) == '-')
			r->at++;
		if (!digits(r))
			return pv_json_bad(r, "bad number");
	}
	return 0;
}

static int read_word(struct reader *r, const char *word)
{
	size_t size = strlen(word);

	if (r->length - r->at < size || memcmp(r->text + r->at, word, size))
		return pv_json_bad(r, "no value");
	r->at += size;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_twice(struct reader *r, uint32_t object)
{
	struct pv_json *doc = r->doc;
	cleanup_free const char **keys = pv_alloc(doc->nodes[object].count, sizeof(*keys));
	size_t count = 0;

	for (uint32_t i = doc->nodes[object].child; i; i = doc->nodes[i].next) {
		const char *key = doc->pool + doc->nodes[i].key;

		if (strlen(key) != doc->nodes[i].key_length)
			return pv_json_bad(r, "member name with a NUL");
		keys[count++] = key;
	}
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(keys[i - 1], keys[i]))
			return pv_err_set(
				r->err, "JSON: member \"%s\" is listed twice in one object", keys[i]);
	return 0;
}

static int read_value(struct reader *r, int depth, uint32_t *index);

static int read_key(struct reader *r, struct pv_json_node *key)
{
	if (pv_json_peek(r) != '"')
		return pv_json_bad(r, "no member name");
	key->key_start = (uint32_t)r->at;
	if (pv_json_read_string(r, &key->key, &key->key_length) < 0)
		return -1;
	key->key_end = (uint32_t)r->at;
	skip_blanks(r);
	if (pv_json_peek(r) != ':')
		return pv_json_bad(r, "no colon");
	r->at++;
	skip_blanks(r);
	return 0;
}

static int read_children(struct reader *r, int depth, uint32_t parent, bool object)
{
	int close = object ? '}' : ']';
	uint32_t last = 0, child;

	r->at++;
	skip_blanks(r);
	if (pv_json_peek(r) == close) {
		r->at++;
		return 0;
	}
	for (;;) {
		struct pv_json_node key = {0}, *node;

		if ((object && read_key(r, &key) < 0) || read_value(r, depth + 1, &child) < 0)
			return -1;
		node = &r->doc->nodes[child];
		node->key = key.key;
		node->key_length = key.key_length;
		node->key_start = key.key_start;
		node->key_end = key.key_end;
		if (last)
			r->doc->nodes[last].next = child;
		else
			r->doc->nodes[parent].child = child;
		last = child;
		r->doc->nodes[parent].count++;
		skip_blanks(r);
		if (pv_json_peek(r) == close)
			break;
		if (pv_json_peek(r) != ',')
			return pv_json_bad(r, "no comma");
		r->at++;
		skip_blanks(r);
	}
	r->at++;
	return object ? check_twice(r, parent) : 0;
}

static int new_node(struct reader *r, uint32_t *index)
{
	struct pv_json *doc = r->doc;

	if (doc->count == PV_JSON_NODES)
		return pv_json_bad(r, "too many values");
	if (doc->count == doc->room) {
		doc->room = doc->room ? doc->room * 2 : 64;
		doc->nodes = pv_resize(doc->nodes, doc->room, sizeof(*doc->nodes));
	}
	*index = (uint32_t)doc->count++;
	doc->nodes[*index] = (struct pv_json_node){.start = (uint32_t)r->at};
	return 0;
}

static int read_value(struct reader *r, int depth, uint32_t *index)
{
	enum pv_json_type type = PV_JSON_NUMBER;
	uint32_t value = 0, length = 0;
	int c = pv_json_peek(r), done;

	if (new_node(r, index) < 0)
		return -1;
	if (c == '{' || c == '[') {
		if (depth == PV_JSON_DEPTH)
			return pv_json_bad(r, "nested too deep");
		type = c == '{' ? PV_JSON_OBJECT : PV_JSON_ARRAY;
		done = read_children(r, depth, *index, c == '{');
	} else if (c == '"') {
		type = PV_JSON_STRING;
		done = pv_json_read_string(r, &value, &length);
	} else if (c == 't') {
		type = PV_JSON_TRUE;
		done = read_word(r, "true");
	} else if (c == 'f') {
		type = PV_JSON_FALSE;
		done = read_word(r, "false");
	} else if (c == 'n') {
		type = PV_JSON_NULL;
		done = read_word(r, "null");
	} else {
		done = read_number(r);
	}
	if (done < 0)
		return -1;
	r->doc->nodes[*index].type = type;
	r->doc->nodes[*index].value = value;
	r->doc->nodes[*index].value_length = length;
	r->doc->nodes[*index].end = (uint32_t)r->at;
	return 0;
}

int pv_json_parse(struct pv_json *doc, const char *text, size_t length, struct pv_err *err)
{
	struct reader r = {.doc = doc, .length = length, .err = err};
	uint32_t root;

	*doc = (struct pv_json){0};
	if (length > PV_JSON_TEXT_BYTES)
		return pv_err_set(err, "JSON: more than %d bytes", PV_JSON_TEXT_BYTES);
	doc->text = pv_dup(text, length);
	doc->length = length;
	doc->pool = pv_alloc(length + 1, 1);
	r.text = (const unsigned char *)doc->text;
	skip_blanks(&r);
	if (read_value(&r, 0, &root) == 0) {
		skip_blanks(&r);
		if (r.at == length)
			return 0;
		pv_json_bad(&r, "text after the end");
	}
	pv_json_free(doc);
	return -1;
}

void pv_json_free(struct pv_json *doc)
{
	free(doc->text);
	free(doc->nodes);
	free(doc->pool);
	*doc = (struct pv_json){0};
}

const struct pv_json_node *pv_json_root(const struct pv_json *doc)
{
	return doc->nodes;
}

const struct pv_json_node *pv_json_first(const struct pv_json *doc, const struct pv_json_node *parent)
{
	return parent && parent->child ? &doc->nodes[parent->child] : NULL;
}

const struct pv_json_node *pv_json_next(const struct pv_json *doc, const struct pv_json_node *node)
{
	return node->next ? &doc->nodes[node->next] : NULL;
}

const char *pv_json_key(const struct pv_json *doc, const struct pv_json_node *node)
{
	return node->key_end ? doc->pool + node->key : NULL;
}

const struct pv_json_node *pv_json_get(
	const struct pv_json *doc, const struct pv_json_node *object, const char *name)
{
	if (!pv_json_is(object, PV_JSON_OBJECT))
		return NULL;
	for (const struct pv_json_node *n = pv_json_first(doc, object); n; n = pv_json_next(doc, n))
		if (!strcmp(doc->pool + n->key, name))
			return n;
	return NULL;
}

bool pv_json_is(const struct pv_json_node *node, enum pv_json_type type)
{
	return node && node->type == type;
}

const char *pv_json_string(const struct pv_json *doc, const struct pv_json_node *node)
{
	const char *text;

	if (!pv_json_is(node, PV_JSON_STRING))
		return NULL;
	text = doc->pool + node->value;
	return strlen(text) == node->value_length ? text : NULL;
}

bool pv_json_number(
	const struct pv_json *doc, const struct pv_json_node *node, double low, double high, double *number)
{
	cleanup_free char *text = NULL;
	double value;

	if (!pv_json_is(node, PV_JSON_NUMBER))
		return false;
	text = pv_dup(doc->text + node->start, node->end - node->start);
	value = strtod(text, NULL);
	if (!(value >= low && value <= high))
		return false;
	*number = value;
	return true;
}
