/* SPDX-License-Identifier: MIT */
/*
 * Whether a lxc.container.conf keeps its container within the confined profile, or reaches the device: by
 * more capabilities or device nodes, by what it mounts, by programs that run outside (hooks), by files that
 * it includes. Lists what is harmless; all else reaches. lib/pantavisor/isolation.py is the same table, and
 * test/vectors/isolation.txt holds both against each other.
 */
#ifndef PV_ISOLATION_H
#define PV_ISOLATION_H

#include "err.h"

/* 0 if it is confined, else -1 and the first thing by which it is not. */
int pv_isolation_check(const char *container, const char *conf, struct pv_err *err);

#endif
