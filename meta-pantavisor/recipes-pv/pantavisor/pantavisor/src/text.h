/* SPDX-License-Identifier: MIT */
/* Texts in memory, which their caller frees. */
#ifndef PV_TEXT_H
#define PV_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"

/* Both wait for memory as pv_alloc() does. */
char *pv_dup(const char *text, size_t length);
char *pv_fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Of open_memstream: a text that memory did not suffice for ends early, and must not be used. */
int pv_close_text(FILE *stream, struct pv_err *err);
bool pv_starts_with(const char *text, const char *prefix);
bool pv_ends_with(const char *text, const char *suffix);

#endif
