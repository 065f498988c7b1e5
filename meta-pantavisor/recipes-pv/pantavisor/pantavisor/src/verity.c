/* SPDX-License-Identifier: MIT */
#include "verity.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "names.h"
#include "sha256.h"
#include "text.h"

#define MAGIC "verity\0"
#define SECTOR 512
#define DATA_BLOCKS ((uint64_t)1 << 28)

static const char *text_of(
	const struct pv_state *state, const struct pv_entry *manifest, const char *member)
{
	return pv_json_string(&state->doc, pv_json_get(&state->doc, manifest->value, member));
}

static bool is_hex(const char *text)
{
	size_t length = strlen(text);

	return length % 2 == 0 && length <= 2 * PV_VERITY_SALT_BYTES &&
	       strspn(text, "0123456789abcdef") == length;
}

int pv_verity_read(struct pv_verity *verity, const struct pv_state *state, const char *folder,
	const char *file, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/_dm/%s.json", folder, file), *hash_path = NULL;
	const struct pv_entry *manifest = pv_state_find(state, path);
	const char *type, *data, *hashes;

	if (!manifest || manifest->object_id)
		return pv_err_set(err, "dm:%s has no %s", file, path);
	type = text_of(state, manifest, "type");
	data = text_of(state, manifest, "data_device");
	hashes = text_of(state, manifest, "hash_device");
	*verity = (struct pv_verity){.root_hash = text_of(state, manifest, "root_hash"),
		.salt = text_of(state, manifest, "salt")};
	if (!type || strcmp(type, "dm-verity") || !data || strcmp(data, file) ||
		!pv_name_is_volume(hashes) || !pv_sha256_is(verity->root_hash) ||
		(verity->salt && !is_hex(verity->salt)))
		return pv_err_set(err, "%s is not a manifest of dm-verity for %s", path, file);
	hash_path = pv_fmt("%s/%s", folder, hashes);
	verity->hashes = pv_state_find(state, hash_path);
	if (!verity->hashes || !verity->hashes->object_id)
		return pv_err_set(err, "%s: its %s is not an object of the state", path, hashes);
	return 0;
}

static uint64_t number(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static bool is_block(uint64_t bytes)
{
	return bytes >= SECTOR && bytes <= 4096 && !(bytes & (bytes - 1));
}

/* "-" where there is none. */
static int take_salt(const struct pv_verity *verity, const unsigned char *superblock,
	char salt[2 * PV_VERITY_SALT_BYTES + 1], struct pv_err *err)
{
	size_t length = (size_t)number(superblock + 80, 2);

	if (length > PV_VERITY_SALT_BYTES)
		return pv_err_set(err, "its salt is too long");
	strcpy(salt, length ? "" : "-");
	for (size_t i = 0; i < length; i++)
		sprintf(salt + 2 * i, "%02x", superblock[88 + i]);
	if (verity->salt && strcmp(*verity->salt ? verity->salt : "-", salt))
		return pv_err_set(err, "its salt is not that of the manifest");
	return 0;
}

/* Version 1 of cryptsetup's superblock: magic 0, version 8, hash type 12, algorithm 32 (32 bytes), data
 * block 64, hash block 68, data blocks 72, length of the salt 80, salt 88; little endian. The tree begins
 * in the next block. */
int pv_verity_table(const struct pv_verity *verity, const unsigned char *superblock,
	const char *data_device, const char *hash_device, char table[PV_VERITY_TABLE_BYTES],
	uint64_t *sectors, struct pv_err *err)
{
	uint64_t type = number(superblock + 12, 4), data_block = number(superblock + 64, 4);
	uint64_t hash_block = number(superblock + 68, 4), blocks = number(superblock + 72, 8);
	char salt[2 * PV_VERITY_SALT_BYTES + 1];

	if (memcmp(superblock, MAGIC, 8) || number(superblock + 8, 4) != 1 || type > 1 ||
		strncmp((const char *)superblock + 32, "sha256", 32) || !is_block(data_block) ||
		!is_block(hash_block) || !blocks || blocks > DATA_BLOCKS)
		return pv_err_set(err, "its hash file has no superblock of dm-verity with sha256");
	if (take_salt(verity, superblock, salt, err) < 0)
		return -1;
	*sectors = blocks * data_block / SECTOR;
	snprintf(table, PV_VERITY_TABLE_BYTES, "%u %s %s %u %u %llu 1 sha256 %s %s", (unsigned)type,
		data_device, hash_device, (unsigned)data_block, (unsigned)hash_block,
		(unsigned long long)blocks, verity->root_hash, salt);
	return 0;
}
