/* SPDX-License-Identifier: MIT */
/* The lines of a lxc.container.conf, as LXC splits them. */
#ifndef PV_LXCLINE_H
#define PV_LXCLINE_H

#include "err.h"

/* Every `key = value`, in order, until `pair` returns a negative number. */
typedef int pv_lxcline_pair(void *data, const char *key, const char *value);
int pv_lxcline_each(const char *text, pv_lxcline_pair *pair, void *data, struct pv_err *err);
/* Where in the root the first lxc.mount.entry of that source is mounted, or NULL. */
char *pv_lxcline_find_mount(const char *text, const char *source);

#endif
