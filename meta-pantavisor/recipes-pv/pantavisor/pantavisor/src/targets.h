/* SPDX-License-Identifier: MIT */
/*
 * Places in a container's root that LXC is to make for its mounts (create=dir, create=file). LXC follows
 * links there while the device's own root can still be seen: one that the container left would have it make
 * files anywhere, such as in a revision on the storage, which is refused with them. So each is looked at
 * before each start, while nothing of the container runs.
 */
#ifndef PV_TARGETS_H
#define PV_TARGETS_H

#include "err.h"

/* The text of a conf without optional mounts that have a link on the way to their place, as LXC would leave
 * them out; any other such mount is an error. */
int pv_targets_check(const char *rootfs, const char *conf, char **text, struct pv_err *err);

#endif
