/* SPDX-License-Identifier: MIT */
#ifndef PV_HALT_H
#define PV_HALT_H

/*
 * The signal that asks a container's init to end. `configured`: lxc.signal.halt, a name or a number, or NULL.
 * `status`: /proc/<pid>/status. An init that blocks SIGRTMIN+3 is systemd and takes that; one that catches
 * SIGPWR takes it, as LXC wants; any other program is not made to be an init and gets SIGTERM.
 */
int pv_halt_signal(const char *configured, const char *status);

#endif
