/* SPDX-License-Identifier: MIT */
/* Whole directories, by descriptor: no link in them is followed. */
#ifndef PV_TREECOPY_H
#define PV_TREECOPY_H

#include <stdint.h>

#include "err.h"
#include "fsops.h"

#define PV_TREE_DEPTH 128

/* What copies may still take, together; it shrinks with each. */
struct pv_tree_room {
	uint64_t bytes;
	uint64_t entries;
};

/* What is below `from` goes below the empty directory `to`, with owners, modes, times and attributes. Of
 * hard links each becomes a file. */
int pv_tree_copy(int from, struct pv_storage to, struct pv_tree_room *room, struct pv_err *err);
/* Owner, mode and attributes of `from` itself. */
int pv_tree_copy_kept(int from, int to, struct pv_err *err);

#endif
