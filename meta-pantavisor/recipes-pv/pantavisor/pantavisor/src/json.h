/* SPDX-License-Identifier: MIT */
/*
 * JSON as RFC 8259 has it, read once and kept with the source text of every value: signatures are over
 * source text, and inline files are compared with it byte by byte. Stricter than the RFC where a state
 * could mean two things: a member named twice is an error, and so is text that is not UTF-8.
 */
#ifndef PV_JSON_H
#define PV_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define PV_JSON_TEXT_BYTES (4 * 1024 * 1024)
#define PV_JSON_DEPTH 64 /* objects and arrays in each other */
#define PV_JSON_NODES 131072

enum pv_json_type {
	PV_JSON_OBJECT,
	PV_JSON_ARRAY,
	PV_JSON_STRING,
	PV_JSON_NUMBER,
	PV_JSON_TRUE,
	PV_JSON_FALSE,
	PV_JSON_NULL,
};

struct pv_json_node {
	enum pv_json_type type;
	uint32_t start, end;	     /* the value's source text */
	uint32_t key_start, key_end; /* the member name's source text, quotes included; 0,0 in arrays */
	uint32_t key, value;	     /* decoded, in the pool */
	uint32_t key_length, value_length;
	uint32_t child, next; /* 0: none */
	uint32_t count;	      /* children */
};

struct pv_json {
	char *text;
	size_t length;
	struct pv_json_node *nodes;
	size_t count, room;
	char *pool;
	size_t pool_used;
};

/* Copies the text. The document must be freed after success only. */
int pv_json_parse(struct pv_json *doc, const char *text, size_t length, struct pv_err *err);
void pv_json_free(struct pv_json *doc);

const struct pv_json_node *pv_json_root(const struct pv_json *doc);
const struct pv_json_node *pv_json_first(const struct pv_json *doc, const struct pv_json_node *parent);
const struct pv_json_node *pv_json_next(const struct pv_json *doc, const struct pv_json_node *node);
/* The member of exactly this name; NULL if `object` is NULL, no object, or has none. */
const struct pv_json_node *pv_json_get(
	const struct pv_json *doc, const struct pv_json_node *object, const char *name);
/* NULL for a name or a string with a NUL in it, which is not a C string, and for what is not a string.
 */
const char *pv_json_key(const struct pv_json *doc, const struct pv_json_node *node);
const char *pv_json_string(const struct pv_json *doc, const struct pv_json_node *node);
bool pv_json_is(const struct pv_json_node *node, enum pv_json_type type);
/* False if it is not a number in the range. */
bool pv_json_number(const struct pv_json *doc, const struct pv_json_node *node, double low, double high,
	double *number);

#endif
