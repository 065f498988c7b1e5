/* SPDX-License-Identifier: MIT */
/*
 * A storage as a value: which names lead to which files and what those hold, small enough to be copied for
 * each state that a power cut may leave. Node 0 is its root.
 */
#ifndef PV_TEST_DISK_H
#define PV_TEST_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_ENTRIES 512
#define DISK_NODES 512
#define DISK_NAMES 1024
#define DISK_NAME_BYTES 96
#define SECTOR 512
#define GONE (-1)

enum disk_kind { DISK_FOLDER, DISK_FILE, DISK_LINK };

/* Bytes never change once they are there; a write makes new ones. */
struct disk_bytes {
	const char *bytes;
	size_t length;
	uint64_t hash;
};

struct disk {
	struct disk_entry {
		short folder, name, child;
	} entries[DISK_ENTRIES];
	size_t entry_count;
	struct disk_bytes files[DISK_NODES];
};

/* What is the same in all of them: numbers of names, and kinds of nodes. */
struct disk_world {
	char names[DISK_NAMES][DISK_NAME_BYTES];
	size_t name_count;
	enum disk_kind kinds[DISK_NODES];
	uint64_t inodes[DISK_NODES];
	size_t node_count;
};
extern struct disk_world disk_world;

void disk_forget_world(void);
short disk_name(const char *name);
/* The node of an inode, a new one where there is none. */
short disk_node(uint64_t inode, enum disk_kind kind);

/* `child` gets the name, or GONE: the name goes. */
void disk_set(struct disk *disk, short folder, short name, short child);
struct disk_bytes disk_bytes_of(char *bytes, size_t length);
/* The node at a path, or GONE. */
short disk_find(const struct disk *disk, const char *path);
bool disk_is_linked(const struct disk *disk, short node);
/* Of all that can be reached from the root. */
uint64_t disk_hash(const struct disk *disk);
uint64_t disk_hash_of(const struct disk *disk, short folder);
/* Reads a folder of the machine. */
void disk_scan(struct disk *disk, int root);
/* Writes it below an empty folder of the machine; numbers of nodes follow. */
void disk_write(const struct disk *disk, int root);
uint64_t disk_mix(uint64_t hash, const void *bytes, size_t length);

#endif
