/* SPDX-License-Identifier: MIT */
#ifndef PV_SHA256_H
#define PV_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define PV_SHA256_HEX 64

/* From where `fd` stands to its end. `hex` gets 64 digits and a NUL. */
int pv_sha256_fd(int fd, char hex[PV_SHA256_HEX + 1], struct pv_err *err);
/* The same, and writes what it read to `to`. */
int pv_sha256_copy(int fd, int to, char hex[PV_SHA256_HEX + 1], struct pv_err *err);
int pv_sha256_bytes(const void *bytes, size_t length, char hex[PV_SHA256_HEX + 1], struct pv_err *err);

/* In pieces, as they arrive. */
struct pv_sha256;
/* NULL after an error. */
struct pv_sha256 *pv_sha256_begin(struct pv_err *err);
int pv_sha256_add(struct pv_sha256 *sum, const void *bytes, size_t length, struct pv_err *err);
/* All that is left to read of `fd`. */
int pv_sha256_add_fd(struct pv_sha256 *sum, int fd, struct pv_err *err);
int pv_sha256_end(struct pv_sha256 *sum, char hex[PV_SHA256_HEX + 1], struct pv_err *err);
void pv_sha256_free(struct pv_sha256 *sum);

/* 64 lowercase hex digits. */
bool pv_sha256_is(const char *text);

#endif
