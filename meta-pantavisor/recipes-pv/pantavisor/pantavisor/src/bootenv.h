/* SPDX-License-Identifier: MIT */
/*
 * What the runtime hands to the boot loader: boot/grubenv, a block of 1024 bytes with `name=value` lines
 * padded by `#`, or boot/uboot.txt, pairs that end in NUL; each with a second copy. A name counts only as a
 * whole.
 *
 * The boot loader reads a file system whose journal is not replayed, so a block is never replaced: it is
 * written in place, where it always was. A copy counts where pv_gen and pv_end, its first and last values,
 * are equal; the first copy counts before the second.
 */
#ifndef PV_BOOTENV_H
#define PV_BOOTENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "err.h"
#include "fsops.h"
#include "names.h"

#define PV_BOOTENV_BYTES 1024
#define PV_BOOTENV_GENERATION 999999999999999999 /* the last one, and all that GRUB reads */
#define PV_BOOTENV_LONGEST_S 999999999

enum pv_bootenv_kind { PV_BOOTENV_GRUB, PV_BOOTENV_UBOOT };

/* Values that are not names of revisions are read as empty. */
struct pv_bootenv {
	uint64_t generation;		      /* rises with each change; 0 in files of other tools */
	char revision[PV_REVISION_BYTES + 1]; /* pv_rev, the committed one */
	char tried[PV_REVISION_BYTES + 1];    /* pv_try, to be booted once, or empty */
	char previous[PV_REVISION_BYTES + 1]; /* pv_prev, the one committed before, or empty */
	int faults;    /* pv_lost: boots of pv_rev that a fault ended and no boot loader counted, */
	int longest_s; /* and how long the longest of them lasted */
};

/* One copy. False where it is torn or not one. */
bool pv_bootenv_parse(enum pv_bootenv_kind kind, const char *block, size_t length, struct pv_bootenv *env);
void pv_bootenv_render(
	enum pv_bootenv_kind kind, const struct pv_bootenv *env, char block[PV_BOOTENV_BYTES]);

/* From the storage's directory; everything is empty where there is nothing to read. */
void pv_bootenv_load(int storage, enum pv_bootenv_kind kind, struct pv_bootenv *env);
/* Both copies; that which counts is touched once the other one is durable. The generation rises. */
int pv_bootenv_store(
	struct pv_storage at, enum pv_bootenv_kind kind, struct pv_bootenv *env, struct pv_err *err);

/* For GRUB's notes, which are in a block of the same form: see bootnotes.h. */
#define PV_BOOTENV_GRUB_HEAD "# GRUB Environment Block\n"
#define PV_BOOTENV_COPIES 2
#define PV_BOOTENV_VALUE_BYTES 128
#define PV_BOOTENV_FILE_BYTES ((size_t)64 * PV_BOOTENV_BYTES) /* that are read of a file of other tools */
const char *pv_bootenv_path(enum pv_bootenv_kind kind, int copy);
bool pv_bootenv_load_copy(int storage, enum pv_bootenv_kind kind, int copy, struct pv_bootenv *env);
/* The last one of a name counts, as for the boot loaders. False where it is too long; then it is empty. */
bool pv_bootenv_find(enum pv_bootenv_kind kind, const char *block, size_t length, const char *name,
	char value[PV_BOOTENV_VALUE_BYTES]);
void pv_bootenv_find_revision(enum pv_bootenv_kind kind, const char *block, size_t length, const char *name,
	char revision[PV_REVISION_BYTES + 1]);
/* A file of its own, so that nothing else changes with it: not a link, nor one that has another name. And
 * what GRUB reads has nothing behind the block that we write. */
bool pv_bootenv_is_own(enum pv_bootenv_kind kind, const struct stat *info);
/* In place; only a file that is not there, or too short, changes more than its block. */
int pv_bootenv_write(struct pv_storage at, enum pv_bootenv_kind kind, const char *path,
	const char block[PV_BOOTENV_BYTES], enum pv_barrier why, struct pv_err *err);

#endif
