/* SPDX-License-Identifier: MIT */
/*
 * What a container mounts from inside of volumes. LXC opens such a source by its path, and a container that
 * writes to the volume could have a link there that leads out of it. So each is opened here, with links
 * that stay within the volume, and bound in /run; the conf names that place instead. The root of a volume
 * needs no such care.
 */
#ifndef PV_SOURCES_H
#define PV_SOURCES_H

#include "lxcconf.h"
#include "mounts.h"

int pv_sources_mount(
	struct pv_lxcconf *conf, const char *container, struct pv_mounts *mounts, struct pv_err *err);

#endif
