/* SPDX-License-Identifier: MIT */
/* The command line of a container's first program, as lxc.init.cmd writes it: words, some of them quoted.
 */
#ifndef PV_ARGV_H
#define PV_ARGV_H

#include "err.h"

enum { PV_ARGV_MAX = 1024 };

/* A list that ends with NULL, in one piece of memory: free() it. Quotes of either kind hold blanks; nothing
 * escapes. */
int pv_argv_split(const char *text, char ***words, struct pv_err *err);

#endif
