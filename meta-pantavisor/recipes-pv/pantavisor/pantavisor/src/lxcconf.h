/* SPDX-License-Identifier: MIT */
/*
 * The published lxc.container.conf, adapted to the stock LXC 5 and to cgroup2: a table of keys and what is
 * done with each. The overlay that lxc.rootfs.path describes is taken out, for the caller to mount. Touches
 * nothing.
 */
#ifndef PV_LXCCONF_H
#define PV_LXCCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define PV_LXCCONF_BYTES (256 * 1024)
#define PV_LXCCONF_LOWERS 8
#define PV_LXCCONF_KEPT 256

struct pv_lxcconf {
	char *text;			 /* what LXC reads; the caller adds its own lines */
	char *lowers[PV_LXCCONF_LOWERS]; /* topmost first */
	size_t lower_count;
	char *upper;	   /* NULL: nothing can be written, lowers[0] is the root */
	char *halt_signal; /* lxc.signal.halt, or NULL */
	bool keeps_net;	   /* the host's network; its line is the caller's */
	bool needs_net;	   /* something of the host's network, by way of its monitor */
	bool has_uts_name;
	bool has_console; /* false: lxc.console.path = none */
	bool has_apparmor;
	bool has_seccomp;
};

int pv_lxcconf_adapt(struct pv_lxcconf *conf, const char *text, struct pv_err *err);
void pv_lxcconf_free(struct pv_lxcconf *conf);

#endif
