/* SPDX-License-Identifier: MIT */
#include "volume.h"

#include <string.h>
#include <sys/mount.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "text.h"

#define FIRMWARE "/lib/firmware"
#define STORAGE_FLAGS (MS_NOSUID | MS_NODEV)

/* The hash file is held as its data is. */
static int mount_verity(const struct pv_run *run, const char *folder, const struct pv_volume *volume,
	int data, const char *target, struct pv_mounts *mounts, struct pv_err *err)
{
	struct pv_verity verity;
	int hashes;

	if (pv_verity_read(&verity, &run->state, folder, volume->name, err) < 0)
		return -1;
	hashes = pv_held_find(&run->held, &run->state, verity.hashes->path, err);
	return hashes < 0 ? -1 : pv_mount_verity(mounts, &verity, data, hashes, volume->name, target, err);
}

/* The object that was verified, whatever its path leads to now. */
static int mount_object(const struct pv_run *run, const char *folder, const struct pv_volume *volume,
	const char *target, struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("%s/%s", folder, volume->name);
	int fd = pv_held_find(&run->held, &run->state, path, err);

	if (fd < 0)
		return -1;
	if (!volume->has_verity)
		return pv_mount_file(mounts, fd, path, target, err);
	return mount_verity(run, folder, volume, fd, target, mounts, err) < 0
		       ? pv_err_wrap(err, "dm-verity of %s", path)
		       : 0;
}

static int mount_bsp_file(
	struct pv *pv, const struct pv_volume *volume, const char *target, struct pv_err *err)
{
	return volume->name ? mount_object(pv->run, "bsp", volume, target, &pv->mounts, err) : 0;
}

static char *modules_place(const struct pv *pv)
{
	return pv_fmt("/lib/modules/%s", pv->release);
}

int pv_volume_mount_bsp(struct pv *pv, struct pv_err *err)
{
	cleanup_free char *modules = modules_place(pv);

	if (mount_bsp_file(pv, &pv->run->state.bsp_modules, modules, err) < 0)
		return -1;
	return mount_bsp_file(pv, &pv->run->state.bsp_firmware, FIRMWARE, err);
}

void pv_volume_note_bsp(struct pv *pv)
{
	cleanup_free char *modules = modules_place(pv);

	pv_mounts_note(&pv->mounts, modules);
	pv_mounts_note(&pv->mounts, FIRMWARE);
}

/* Of the volumes that last; NULL for one that ends with the next boot. */
static char *parent_path(const struct pv_run *run, const char *container, enum pv_persistence persistence)
{
	switch (persistence) {
	case PV_PERSIST_PERMANENT:
		return pv_fmt("disks/perm/%s", container);
	case PV_PERSIST_REVISION:
		return pv_fmt("disks/rev/%s/%s", run->revision, container);
	case PV_PERSIST_BOOT:
	default:
		return NULL;
	}
}

static int mount_storage(const struct pv *pv, const struct pv_run *run, const char *container,
	const struct pv_volume *volume, const char *target, struct pv_firstuse *use,
	struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *path = parent_path(run, container, volume->persistence);
	cleanup_close int parent = -1, folder = -1;

	if (!path) {
		if (pv_mount(mounts, "tmpfs", target, "tmpfs", STORAGE_FLAGS, "mode=0755", err) < 0)
			return -1;
		return pv_firstuse_note(use, volume->name, target, err) < 0 ? -1 : 0;
	}
	parent = pv_durable_mkdirs(pv_storage_at(pv->storage), path, err);
	folder = parent < 0 ? -1 : pv_firstuse_open(use, parent, volume->name, err);
	return folder < 0 ? -1 : pv_mount_bind(mounts, folder, target, STORAGE_FLAGS, err);
}

/* The lxc conf mounts these as overlays and expects both directories. */
static int prepare_overlay(const struct pv_volume *volume, const char *target, struct pv_err *err)
{
	cleanup_close int folder = -1, upper = -1, work = -1;

	if (!pv_starts_with(volume->name, PV_OVERLAY_PREFIX))
		return 0;
	folder = pv_beneath_root(target, err);
	upper = folder < 0 ? -1 : pv_durable_mkdirs(pv_storage_at(folder), "upper", err);
	work = upper < 0 ? -1 : pv_durable_mkdirs(pv_storage_at(folder), "work", err);
	return work < 0 ? -1 : 0;
}

static int mount_volume(const struct pv *pv, const struct pv_run *run, const char *container,
	const struct pv_volume *volume, struct pv_firstuse *use, struct pv_mounts *mounts,
	struct pv_err *err)
{
	cleanup_free char *target = pv_fmt("%s/%s/%s", PV_VOLUMES_DIR, container, volume->name);

	if (mount_storage(pv, run, container, volume, target, use, mounts, err) < 0 ||
		prepare_overlay(volume, target, err) < 0)
		return pv_err_wrap(err, "volume %s", volume->name);
	return 0;
}

int pv_volume_mount_container(const struct pv *pv, const struct pv_run *run,
	const struct pv_container *container, struct pv_firstuse *use, struct pv_mounts *mounts,
	struct pv_err *err)
{
	for (size_t i = 0; i < container->file_count; i++) {
		const struct pv_volume *file = &container->files[i];
		cleanup_free char *target = pv_fmt("%s/%s/%s", PV_VOLUMES_DIR, container->name, file->name);

		if (mount_object(run, container->name, file, target, mounts, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < container->storage_count; i++)
		if (mount_volume(pv, run, container->name, &container->storages[i], use, mounts, err) < 0)
			return -1;
	return 0;
}
