/* SPDX-License-Identifier: MIT */
/* Whole directories, by descriptor: no link in them is followed. */
#ifndef PV_TREECOPY_H
#define PV_TREECOPY_H

#include "err.h"

#define PV_TREE_DEPTH 128

/* What is below `from` goes below the empty directory `to`, with owners, modes, times and attributes. Of hard
 * links each becomes a file. */
int pv_tree_copy(int from, int to, struct pv_err *err);
/* Owner, mode and attributes of `from` itself. */
int pv_tree_copy_kept(int from, int to, struct pv_err *err);

#endif
