/* SPDX-License-Identifier: MIT */
/* What LXC reads of a container: the adapted conf with our own lines, and what these name. */
#ifndef PV_LXCFILE_H
#define PV_LXCFILE_H

#include "lxcconf.h"
#include "pv.h"

/* Where LXC writes its complaints. */
char *pv_lxcfile_log(const struct pv_task *task);
/* Its console's log, below the storage. */
char *pv_lxcfile_console(const struct pv_task *task);
/* Where its root is mounted. */
char *pv_lxcfile_rootfs(const struct pv_task *task);
/* The adapted conf. */
char *pv_lxcfile_path(const struct pv_task *task);
int pv_lxcfile_write(const struct pv *pv, const struct pv_task *task, const struct pv_lxcconf *conf,
	const char *rootfs, struct pv_mounts *mounts, struct pv_err *err);

#endif
