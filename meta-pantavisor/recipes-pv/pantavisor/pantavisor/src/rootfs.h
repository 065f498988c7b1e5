/* SPDX-License-Identifier: MIT */
/*
 * A container's root: the layers that its lxc.container.conf names below /volumes, and on top of them
 * _config/<name>, which is made in memory from the state's own entries: root's, files 0644, directories
 * 0755, no attributes. No directory of the storage is a layer but the one that the container writes to.
 */
#ifndef PV_ROOTFS_H
#define PV_ROOTFS_H

#include "lxcconf.h"
#include "pv.h"

int pv_rootfs_mount(const struct pv *pv, const struct pv_run *run, const struct pv_container *container,
	const struct pv_lxcconf *conf, const char *target, struct pv_mounts *mounts, struct pv_err *err);

#endif
