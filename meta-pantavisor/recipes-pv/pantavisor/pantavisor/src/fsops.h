/* SPDX-License-Identifier: MIT */
/*
 * The one door through which the storage is changed. What makes, links, renames, removes or syncs there
 * does it by this table, so that tests can put a recording or a failing one in its place; a test of the
 * sources holds that nothing goes past it. Names are single ones, in an open folder: no path, no link is
 * followed. As system calls do, these return a negative number and leave the reason in errno.
 */
#ifndef PV_FSOPS_H
#define PV_FSOPS_H

#include <stddef.h>
#include <sys/types.h>

/* Why something is made durable: the order of an update rests on these, docs/durability.md shows how. */
enum pv_barrier {
	PV_BARRIER_OBJECT_DATA, /* an object's bytes, before it gets its name */
	PV_BARRIER_STEP_FILES,	/* all that a new revision consists of, before it gets its name */
	PV_BARRIER_STEP_NAME,	/* the name of a new revision */
	PV_BARRIER_CHECKPOINT,	/* what a boot loader reads, before it is pointed there */
	PV_BARRIER_ENV_FIRST,	/* a copy of the boot environment, before the one that counts is touched */
	PV_BARRIER_ENV_SECOND,
	PV_BARRIER_ENV_NAME,  /* a copy that was not there, and that a boot loader has to see */
	PV_BARRIER_FILE_DATA, /* a small file's bytes, before it gets its name */
	PV_BARRIER_FILE_NAME,
	PV_BARRIER_DEAD_NAME, /* a revision has lost its name, before its files go */
	PV_BARRIER_REPAIR,    /* a link of a revision that was missing */
	PV_BARRIER_VOLUME_FILES,
	PV_BARRIER_VOLUME_NAME,
	PV_BARRIER_COUNT
};

struct pv_fsops {
	/* A file, made where it is missing; with O_EXCL in `flags` it must be. */
	int (*create)(int folder, const char *name, int flags);
	/* A file without a name, until it is linked. */
	int (*unnamed)(int folder);
	ssize_t (*write)(int fd, const void *bytes, size_t length);
	ssize_t (*write_at)(int fd, const void *bytes, size_t length, off_t offset);
	int (*link)(int file, int folder, const char *name);
	/* Within a folder; takes the place of what has the name. */
	int (*rename)(int folder, const char *from, const char *to);
	/* Into another folder. */
	int (*move)(int folder, const char *from, int into, const char *to);
	/* Two names within a folder. */
	int (*exchange)(int folder, const char *one, const char *other);
	int (*unlink)(int folder, const char *name);
	int (*mkdir)(int folder, const char *name, mode_t mode);
	int (*rmdir)(int folder, const char *name);
	int (*symlink)(const char *target, int folder, const char *name);
	int (*mknod)(int folder, const char *name, mode_t mode, dev_t device);
	/* A file's bytes, and what it takes to find them. */
	int (*sync_data)(int fd, enum pv_barrier why);
	/* A file's attributes as well, or a folder's names. */
	int (*sync)(int fd, enum pv_barrier why);
	/* The whole file system. */
	int (*sync_all)(int fd, enum pv_barrier why);
	/* The same, and each block is at its place on the medium, not in the journal only: for a boot
	 * loader, which reads no journal. ENOTSUP where the file system has no such thing. */
	int (*checkpoint)(int root, enum pv_barrier why);
};

extern const struct pv_fsops pv_fsops_real;
/* What was killed may have frozen the storage, and what was to thaw it may have been killed as well. By a
 * child, which is not waited for; what is not frozen stays as it is. */
void pv_fsops_thaw(int root);

/* A folder on the storage, its root above all, and the door to it. */
struct pv_storage {
	int root;
	const struct pv_fsops *ops;
};

static inline struct pv_storage pv_storage_at(int root)
{
	return (struct pv_storage){root, &pv_fsops_real};
}

#endif
