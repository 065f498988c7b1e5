/* SPDX-License-Identifier: MIT */
/*
 * The variables shared with the boot loader: boot/grubenv, a block of 1024 bytes with `name=value` lines
 * padded by
 * `#`, and boot/uboot.txt, pairs that end in NUL. A name counts only as a whole.
 */
#ifndef PV_BOOTENV_H
#define PV_BOOTENV_H

#include <stddef.h>

#include "err.h"

#define PV_BOOTENV_BYTES 1024
#define PV_BOOTENV_VALUE_BYTES 128

enum pv_bootenv { PV_BOOTENV_GRUB, PV_BOOTENV_UBOOT };

/* The value of `name`, empty if it is not there. */
int pv_bootenv_find(enum pv_bootenv kind, const char *block, size_t length, const char *name,
	char value[PV_BOOTENV_VALUE_BYTES], struct pv_err *err);
/* Reads it below the storage's directory. No file: every value is empty. */
int pv_bootenv_read(enum pv_bootenv kind, int storage, const char *name, char value[PV_BOOTENV_VALUE_BYTES],
	struct pv_err *err);

#endif
