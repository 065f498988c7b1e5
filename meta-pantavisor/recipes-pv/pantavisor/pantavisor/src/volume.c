/* SPDX-License-Identifier: MIT */
#include "volume.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "util.h"

static int mount_bsp_file(struct pv *pv, const char *name, const char *target, struct pv_err *err)
{
	cleanup_free char *file = NULL;

	if (!name)
		return 0;
	file = pv_fmt("%s/trails/%s/bsp/%s", pv->storage, pv->revision, name);
	return pv_mount_file(&pv->mounts, file, target, err);
}

int pv_volume_mount_bsp(struct pv *pv, struct pv_err *err)
{
	cleanup_free char *modules = pv_fmt("/lib/modules/%s", pv->release);

	if (mount_bsp_file(pv, pv->state.bsp_modules, modules, err) < 0)
		return -1;
	return mount_bsp_file(pv, pv->state.bsp_firmware, "/lib/firmware", err);
}

static int mount_storage(const struct pv *pv, const char *container, const struct pv_volume *volume,
	struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *target = pv_fmt("%s/%s/%s", PV_VOLUMES_DIR, container, volume->name);
	cleanup_free char *source = NULL;

	switch (volume->persistence) {
	case PV_PERSIST_PERMANENT:
		source = pv_fmt("%s/disks/perm/%s/%s", pv->storage, container, volume->name);
		return pv_mount_bind(mounts, source, target, err);
	case PV_PERSIST_REVISION:
		source = pv_fmt("%s/disks/rev/%s/%s/%s", pv->storage, pv->revision, container, volume->name);
		return pv_mount_bind(mounts, source, target, err);
	case PV_PERSIST_BOOT:
	default:
		return pv_mount(mounts, "tmpfs", target, "tmpfs", 0, "mode=0755", err);
	}
}

/* The lxc conf mounts these as overlays and expects both directories. */
static int prepare_overlay(const char *container, const struct pv_volume *volume, struct pv_err *err)
{
	cleanup_free char *upper = pv_fmt("%s/%s/%s/upper", PV_VOLUMES_DIR, container, volume->name);
	cleanup_free char *work = pv_fmt("%s/%s/%s/work", PV_VOLUMES_DIR, container, volume->name);

	if (!pv_starts_with(volume->name, "dockerovl-"))
		return 0;
	return pv_mkdirs(upper, 0755, err) < 0 ? -1 : pv_mkdirs(work, 0755, err);
}

int pv_volume_mount_container(const struct pv *pv, const struct pv_container *container,
	struct pv_mounts *mounts, struct pv_err *err)
{
	for (size_t i = 0; i < container->file_count; i++) {
		const char *name = container->files[i].name;
		cleanup_free char *file =
			pv_fmt("%s/trails/%s/%s/%s", pv->storage, pv->revision, container->name, name);
		cleanup_free char *target = pv_fmt("%s/%s/%s", PV_VOLUMES_DIR, container->name, name);

		if (pv_mount_file(mounts, file, target, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < container->storage_count; i++)
		if (mount_storage(pv, container->name, &container->storages[i], mounts, err) < 0 ||
			prepare_overlay(container->name, &container->storages[i], err) < 0)
			return -1;
	return 0;
}

static char *join_lowers(
	const struct pv *pv, const struct pv_container *container, const struct pv_lxcconf *conf)
{
	char *joined = container->has_config
			       ? pv_fmt("%s/trails/%s/_config/%s", pv->storage, pv->revision, container->name)
			       : NULL;

	for (size_t i = 0; i < conf->lower_count; i++) {
		char *longer =
			joined ? pv_fmt("%s:%s", joined, conf->lowers[i]) : pv_fmt("%s", conf->lowers[i]);

		free(joined);
		joined = longer;
	}
	return joined;
}

int pv_volume_mount_root(const struct pv *pv, const struct pv_container *container,
	const struct pv_lxcconf *conf, const char *target, struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *lowers = join_lowers(pv, container, conf);
	cleanup_free char *options = NULL, *parent = NULL, *work = NULL;

	if (!conf->upper && !strchr(lowers, ':'))
		return pv_mount(mounts, lowers, target, NULL, MS_BIND, NULL, err);
	if (!conf->upper) {
		options = pv_fmt("lowerdir=%s", lowers);
		return pv_mount(mounts, "overlay", target, "overlay", MS_RDONLY, options, err);
	}
	parent = pv_dup(conf->upper, strlen(conf->upper));
	*strrchr(parent, '/') = '\0';
	work = pv_fmt("%s/work", parent);
	options = pv_fmt("lowerdir=%s,upperdir=%s,workdir=%s", lowers, conf->upper, work);
	if (pv_mkdirs(conf->upper, 0755, err) < 0 || pv_mkdirs(work, 0755, err) < 0)
		return -1;
	return pv_mount(mounts, "overlay", target, "overlay", 0, options, err);
}
