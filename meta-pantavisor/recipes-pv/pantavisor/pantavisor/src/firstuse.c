/* SPDX-License-Identifier: MIT */
#include "firstuse.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "log.h"
#include "lxcline.h"
#include "text.h"
#include "treecopy.h"

static int note(struct pv_firstuse *use, const char *name, int parent, int folder)
{
	use->volumes[use->count++] = (struct pv_firstuse_volume){name, parent, folder};
	return folder;
}

int pv_firstuse_open(struct pv_firstuse *use, int parent, const char *name, struct pv_err *err)
{
	cleanup_free char *unfinished = pv_fmt("%s" PV_FIRSTUSE_SUFFIX, name);
	struct pv_storage at = {parent, use->ops};
	int folder, kept;

	if (pv_beneath_has(parent, name))
		return pv_durable_mkdirs(at, name, err);
	if (pv_durable_remove_tree(at, unfinished, err) < 0)
		return -1;
	folder = pv_durable_mkdirs(at, unfinished, err);
	if (folder < 0)
		return -1;
	kept = fcntl(parent, F_DUPFD_CLOEXEC, 0);
	note(use, name, kept, fcntl(folder, F_DUPFD_CLOEXEC, 0));
	return folder;
}

int pv_firstuse_note(struct pv_firstuse *use, const char *name, const char *target, struct pv_err *err)
{
	int folder = pv_beneath_root(target, err);

	return folder < 0 ? -1 : note(use, name, -1, folder);
}

static uint64_t smaller_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What the file system keeps back for the runtime is not for an image to fill. */
int pv_firstuse_fill_one(const struct pv_firstuse *use, const struct pv_firstuse_volume *volume, int image,
	struct pv_err *err)
{
	cleanup_close int upper = -1;
	struct pv_tree_room room;
	struct statvfs left;

	/* An overlay shows the image's content by itself, but has its upper directory's owner and mode. */
	if (pv_starts_with(volume->name, PV_OVERLAY_PREFIX)) {
		upper = pv_beneath_open(volume->folder, "upper", O_RDONLY | O_DIRECTORY, err);
		return upper < 0 ? -1 : pv_tree_copy_kept(image, upper, err);
	}
	if (fstatvfs(volume->folder, &left) < 0)
		return pv_err_errno(err, "its file system cannot be examined");
	room.bytes = smaller_of(PV_FIRSTUSE_BYTES, (uint64_t)left.f_bavail * left.f_frsize);
	room.entries = smaller_of(PV_FIRSTUSE_FILES, left.f_favail);
	if (pv_tree_copy(image, (struct pv_storage){volume->folder, use->ops}, &room, err) < 0)
		return -1;
	return pv_tree_copy_kept(image, volume->folder, err);
}

int pv_firstuse_fill(const struct pv_firstuse *use, const char *container, const struct pv_lxcconf *conf,
	const char *rootfs, struct pv_err *err)
{
	cleanup_close int root = pv_beneath_root(rootfs, err);

	if (root < 0)
		return -1;
	for (size_t i = 0; i < use->count; i++) {
		const struct pv_firstuse_volume *volume = &use->volumes[i];
		cleanup_free char *source = pv_fmt("/volumes/%s/%s", container, volume->name);
		cleanup_free char *target = pv_lxcline_find_mount(conf->text, source);
		cleanup_close int image =
			target ? pv_beneath_in_root(root, target, O_RDONLY | O_DIRECTORY) : -1;

		if (image >= 0 && pv_firstuse_fill_one(use, volume, image, err) < 0)
			return pv_err_wrap(
				err, "volume %s cannot take the image's %s", volume->name, target);
	}
	return 0;
}

static int finish(const struct pv_fsops *ops, struct pv_firstuse_volume *volume, struct pv_err *err)
{
	cleanup_free char *unfinished = pv_fmt("%s" PV_FIRSTUSE_SUFFIX, volume->name);

	if (ops->sync_all(volume->folder, PV_BARRIER_VOLUME_FILES) < 0)
		return pv_err_errno(err, "volume %s cannot be finished", volume->name);
	if (pv_durable_rename((struct pv_storage){volume->parent, ops}, unfinished, volume->name,
		    PV_BARRIER_VOLUME_NAME, err) < 0)
		return -1;
	close(volume->parent);
	volume->parent = -1;
	return 0;
}

int pv_firstuse_finish(struct pv_firstuse *use, struct pv_err *err)
{
	for (size_t i = 0; i < use->count; i++)
		if (use->volumes[i].parent >= 0 && finish(use->ops, &use->volumes[i], err) < 0)
			return -1;
	return 0;
}

static void discard(const struct pv_fsops *ops, struct pv_firstuse_volume *volume)
{
	cleanup_free char *unfinished = pv_fmt("%s" PV_FIRSTUSE_SUFFIX, volume->name);
	struct pv_err err;

	if (pv_durable_remove_tree((struct pv_storage){volume->parent, ops}, unfinished, &err) < 0)
		pv_warn("volume", "%s", err.text);
	close(volume->parent);
}

void pv_firstuse_close(struct pv_firstuse *use)
{
	for (size_t i = 0; i < use->count; i++) {
		if (use->volumes[i].parent >= 0)
			discard(use->ops, &use->volumes[i]);
		close(use->volumes[i].folder);
	}
	use->count = 0;
}
