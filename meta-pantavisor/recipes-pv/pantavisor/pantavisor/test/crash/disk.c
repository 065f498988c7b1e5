/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "text.h"

struct disk_world disk_world;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(2);
}

void disk_forget_world(void)
{
	disk_world.node_count = 0;
}

short disk_name(const char *name)
{
	size_t i = 0;

	while (i < disk_world.name_count && strcmp(disk_world.names[i], name))
		i++;
	if (i == disk_world.name_count) {
		if (i == DISK_NAMES || strlen(name) >= DISK_NAME_BYTES)
			die("too many names");
		strcpy(disk_world.names[disk_world.name_count++], name);
	}
	return (short)i;
}

short disk_node(uint64_t inode, enum disk_kind kind)
{
	/* From the newest on: an inode's number may be used again. */
	for (size_t i = disk_world.node_count; i-- > 0;)
		if (disk_world.inodes[i] == inode && disk_world.kinds[i] == kind)
			return (short)i;
	if (disk_world.node_count == DISK_NODES)
		die("too many nodes");
	disk_world.inodes[disk_world.node_count] = inode;
	disk_world.kinds[disk_world.node_count] = kind;
	return (short)disk_world.node_count++;
}

static struct disk_entry *find(const struct disk *disk, short folder, short name)
{
	for (size_t i = 0; i < disk->entry_count; i++)
		if (disk->entries[i].folder == folder && disk->entries[i].name == name)
			return (struct disk_entry *)(uintptr_t)&disk->entries[i];
	return NULL;
}

void disk_set(struct disk *disk, short folder, short name, short child)
{
	struct disk_entry *entry = find(disk, folder, name);

	if (!entry) {
		if (child == GONE)
			return;
		if (disk->entry_count == DISK_ENTRIES)
			die("too many entries");
		entry = &disk->entries[disk->entry_count++];
	} else if (child == GONE) {
		*entry = disk->entries[--disk->entry_count];
		return;
	}
	*entry = (struct disk_entry){folder, name, child};
}

uint64_t disk_mix(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

struct disk_bytes disk_bytes_of(char *bytes, size_t length)
{
	return (struct disk_bytes){bytes, length, disk_mix(length + 7, bytes, length)};
}

short disk_find(const struct disk *disk, const char *path)
{
	cleanup_free char *copy = pv_dup(path, strlen(path));
	char *rest = copy, *name;
	short node = 0;

	while ((name = strsep(&rest, "/"))) {
		const struct disk_entry *entry = find(disk, node, disk_name(name));

		if (!entry)
			return GONE;
		node = entry->child;
	}
	return node;
}

bool disk_is_linked(const struct disk *disk, short node)
{
	for (size_t i = 0; i < disk->entry_count; i++)
		if (disk->entries[i].child == node)
			return true;
	return false;
}

static uint64_t mix_words(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* One entry, below a folder of that path: what it adds. */
static uint64_t hash_entry(
	const struct disk *disk, const struct disk_entry *entry, uint64_t folder, uint64_t *paths)
{
	uint64_t path = mix_words(folder, (uint64_t)entry->name + 1) | 1;

	/* The node as well: which names are one file can be seen. */
	if (disk_world.kinds[entry->child] != DISK_FOLDER)
		return mix_words(mix_words(path, disk->files[entry->child].hash), (uint64_t)entry->child);
	if (!paths[entry->child])
		paths[entry->child] = path;
	/* A second name of the same folder, which only a missing barrier leaves. */
	return paths[entry->child] == path ? path : mix_words(path, (uint64_t)entry->child);
}

/* A folder's path is known before what is in it, mostly; else in one more pass. */
uint64_t disk_hash_of(const struct disk *disk, short folder)
{
	uint64_t paths[DISK_NODES] = {0}, sum = 0;
	size_t known = 0, before;

	paths[folder] = 1;
	do {
		before = known;
		known = 0;
		sum = 0;
		for (size_t i = 0; i < disk->entry_count; i++) {
			const struct disk_entry *entry = &disk->entries[i];

			if (!paths[entry->folder])
				continue;
			known++;
			sum += hash_entry(disk, entry, paths[entry->folder], paths);
		}
	} while (known != before && known != disk->entry_count);
	return mix_words(11, sum);
}

uint64_t disk_hash(const struct disk *disk)
{
	return disk_hash_of(disk, 0);
}

static void scan_below(struct disk *disk, int folder, short node);

static void scan_entry(struct disk *disk, int folder, short node, const char *name)
{
	struct stat info;
	short child;

	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		die(name);
	child = disk_node(info.st_ino, S_ISDIR(info.st_mode) ? DISK_FOLDER : DISK_FILE);
	disk_set(disk, node, disk_name(name), child);
	if (S_ISDIR(info.st_mode)) {
		int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		scan_below(disk, fd, child);
		close(fd);
	} else {
		int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
		char *bytes = pv_alloc((size_t)info.st_size + 1, 1);

		if (fd < 0 || read(fd, bytes, (size_t)info.st_size) != info.st_size)
			die(name);
		close(fd);
		disk->files[child] = disk_bytes_of(bytes, (size_t)info.st_size);
	}
}

static void scan_below(struct disk *disk, int folder, short node)
{
	cleanup_dir DIR *dir = fdopendir(dup(folder));
	const struct dirent *entry;

	if (!dir)
		die("cannot scan");
	rewinddir(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			scan_entry(disk, folder, node, entry->d_name);
}

void disk_scan(struct disk *disk, int root)
{
	struct stat info;

	memset(disk, 0, sizeof(*disk));
	if (fstat(root, &info) < 0)
		die("cannot scan");
	scan_below(disk, root, disk_node(info.st_ino, DISK_FOLDER));
}

static void write_file(const struct disk *disk, int root, const char *path, short node, char **paths)
{
	const struct disk_bytes *file = &disk->files[node];
	int fd;

	if (paths[node]) {
		if (linkat(root, paths[node], root, path, 0) < 0)
			die(path);
		return;
	}
	paths[node] = pv_dup(path, strlen(path));
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || (file->length && write(fd, file->bytes, file->length) != (ssize_t)file->length))
		die(path);
	close(fd);
}

static void write_below(const struct disk *disk, int root, const char *prefix, short folder, char **paths)
{
	for (size_t i = 0; i < disk->entry_count; i++) {
		const struct disk_entry *entry = &disk->entries[i];
		char path[1024];

		if (entry->folder != folder)
			continue;
		snprintf(path, sizeof(path), "%s%s", prefix, disk_world.names[entry->name]);
		if (disk_world.kinds[entry->child] != DISK_FOLDER) {
			write_file(disk, root, path, entry->child, paths);
			continue;
		}
		if (mkdirat(root, path, 0755) < 0)
			die(path);
		strcat(path, "/");
		write_below(disk, root, path, entry->child, paths);
	}
}

void disk_write(const struct disk *disk, int root)
{
	cleanup_free char **paths = pv_alloc(DISK_NODES, sizeof(*paths));

	write_below(disk, root, "", 0, paths);
	for (size_t i = 0; i < DISK_NODES; i++)
		free(paths[i]);
}
