/* SPDX-License-Identifier: MIT */
/* The command line of a container's first program, as lxc.init.cmd writes it: words, some of them quoted. */
#ifndef PV_WORDS_H
#define PV_WORDS_H

#include "err.h"

enum { PV_WORDS_MAX = 1024 };

/* A list that ends with NULL, in one piece of memory: free() it. Quotes of either kind hold blanks; nothing
 * escapes. */
int pv_words_split(const char *text, char ***words, struct pv_err *err);

#endif
