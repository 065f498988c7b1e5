/* SPDX-License-Identifier: MIT */
#include "rootfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "text.h"

#define CONFIG_LAYER 1

/* Layers are named by descriptors, so that nothing in their paths can be a link. */
struct layers {
	int fds[PV_LXCCONF_LOWERS + CONFIG_LAYER];
	size_t count;
	char *text; /* as lowerdir= takes it */
};

static int add_layer(struct layers *layers, int fd)
{
	char *before = layers->text;

	if (fd < 0)
		return -1;
	layers->fds[layers->count++] = fd;
	layers->text = pv_fmt("%s%s/proc/self/fd/%d", before ? before : "", before ? ":" : "", fd);
	free(before);
	return 0;
}

static void close_layers(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		close(layers->fds[i]);
	free(layers->text);
}

static int copy_entry(const struct pv *pv, const struct pv_run *run, const struct pv_entry *entry, int root,
	const char *path, struct pv_err *err)
{
	const char *name;
	cleanup_close int folder = pv_durable_parent(pv_storage_at(root), path, &name, err);
	cleanup_close int fd = folder < 0 ? -1 : pv_fsops_real.create(folder, name, O_WRONLY | O_EXCL);

	if (folder < 0)
		return -1;
	return fd < 0 ? pv_err_errno(err, "cannot make %.200s", path)
		      : pv_objects_copy(pv->storage, &run->state, entry, fd, err);
}

static int fill_config(const struct pv *pv, const struct pv_run *run, const char *prefix,
	const char *target, struct pv_err *err)
{
	cleanup_close int root = pv_beneath_root(target, err);

	if (root < 0)
		return -1;
	for (size_t i = 0; i < run->state.entry_count; i++) {
		const struct pv_entry *entry = &run->state.entries[i];

		if (pv_starts_with(entry->path, prefix) &&
			copy_entry(pv, run, entry, root, entry->path + strlen(prefix), err) < 0)
			return -1;
	}
	return 0;
}

static int add_config(const struct pv *pv, const struct pv_run *run, const struct pv_container *container,
	struct layers *layers, struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *target = pv_fmt(PV_RUN_DIR "/configs/%s", container->name);
	cleanup_free char *prefix = pv_fmt("_config/%s/", container->name);
	unsigned long flags = MS_NOSUID | MS_NODEV;

	if (!container->has_config)
		return 0;
	if (pv_mount(mounts, "tmpfs", target, "tmpfs", flags, "mode=0755", err) < 0 ||
		fill_config(pv, run, prefix, target, err) < 0)
		return -1;
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
		return pv_err_errno(err, "cannot make %s read-only", target);
	return add_layer(layers, pv_beneath_root(target, err));
}

/* A path of lxc.rootfs.path, which is below /volumes. */
static const char *below_volumes(const char *path)
{
	return path + strlen(PV_VOLUMES_DIR "/");
}

static int add_lowers(const struct pv_lxcconf *conf, struct layers *layers, struct pv_err *err)
{
	cleanup_close int volumes = pv_beneath_root(PV_VOLUMES_DIR, err);

	for (size_t i = 0; i < conf->lower_count; i++) {
		const char *path = below_volumes(conf->lowers[i]);

		if (volumes < 0 ||
			add_layer(layers, pv_beneath_open(volumes, path, O_PATH | O_DIRECTORY, err)) < 0)
			return pv_err_wrap(err, "the layers of the root");
	}
	return 0;
}

/* `upper` and the work directory next to it. */
static int mount_writable(const struct layers *layers, const char *upper_path, const char *target,
	struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_close int volumes = pv_beneath_root(PV_VOLUMES_DIR, err);
	cleanup_free char *parent_path = pv_dup(upper_path, strlen(upper_path)), *options = NULL;
	cleanup_close int upper = -1, parent = -1, work = -1;

	if (volumes < 0)
		return -1;
	*strrchr(parent_path, '/') = '\0';
	upper = pv_durable_mkdirs(pv_storage_at(volumes), below_volumes(upper_path), err);
	parent = upper < 0
			 ? -1
			 : pv_beneath_open(volumes, below_volumes(parent_path), O_PATH | O_DIRECTORY, err);
	work = parent < 0 ? -1 : pv_durable_mkdirs(pv_storage_at(parent), "work", err);
	if (work < 0)
		return -1;
	options = pv_fmt("lowerdir=%s,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", layers->text,
		upper, work);
	return pv_mount(mounts, "overlay", target, "overlay", 0, options, err);
}

/* The root itself keeps setuid programs and devices: su works as it does in docker, and what devices may be
 * used is the matter of the device list. */
static int mount_layers(const struct layers *layers, const struct pv_lxcconf *conf, const char *target,
	struct pv_mounts *mounts, struct pv_err *err)
{
	cleanup_free char *options = NULL;

	if (conf->upper)
		return mount_writable(layers, conf->upper, target, mounts, err);
	if (layers->count == 1)
		return pv_mount_bind(mounts, layers->fds[0], target, 0, err);
	options = pv_fmt("lowerdir=%s", layers->text);
	return pv_mount(mounts, "overlay", target, "overlay", MS_RDONLY, options, err);
}

int pv_rootfs_mount(const struct pv *pv, const struct pv_run *run, const struct pv_container *container,
	const struct pv_lxcconf *conf, const char *target, struct pv_mounts *mounts, struct pv_err *err)
{
	struct layers layers = {0};
	int done = -1;

	if (add_config(pv, run, container, &layers, mounts, err) == 0 &&
		add_lowers(conf, &layers, err) == 0)
		done = mount_layers(&layers, conf, target, mounts, err);
	close_layers(&layers);
	return done;
}
