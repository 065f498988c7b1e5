/* SPDX-License-Identifier: MIT */
/* Texts as JSON strings, for documents that are written piece by piece. */
#ifndef PV_JSONTEXT_H
#define PV_JSONTEXT_H

#include <stdio.h>

/* With its quotes. What is not UTF-8 becomes "?": others could not read the document. */
void pv_jsontext_put(FILE *to, const char *text);
/* {"<name>":"<text>"}, to be freed. */
char *pv_jsontext_member(const char *name, const char *text);

#endif
