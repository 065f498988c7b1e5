/* SPDX-License-Identifier: MIT */
/*
 * dm-verity of a volume: what _dm/<volume>.json has, which is signed, and the superblock of the hash file,
 * which need not be: a root hash fits one tree only. Touches nothing.
 */
#ifndef PV_VERITY_H
#define PV_VERITY_H

#include "state.h"

#define PV_VERITY_SUPERBLOCK_BYTES 512
#define PV_VERITY_SALT_BYTES 256
#define PV_VERITY_TABLE_BYTES 1024

struct pv_verity {
	const char *root_hash; /* 64 hex digits */
	const char *salt;      /* hex; NULL: old manifests leave it to the superblock */
	struct pv_entry *hashes;
};

/* Of the volume <folder>/<file>. */
int pv_verity_read(struct pv_verity *verity, const struct pv_state *state, const char *folder,
	const char *file, struct pv_err *err);
/* The parameters of the device mapper's target, and the length of the device in sectors of 512 bytes. */
int pv_verity_table(const struct pv_verity *verity, const unsigned char *superblock,
	const char *data_device, const char *hash_device, char table[PV_VERITY_TABLE_BYTES],
	uint64_t *sectors, struct pv_err *err);

#endif
