/* SPDX-License-Identifier: MIT */
#ifndef PV_HALT_H
#define PV_HALT_H

/*
 * The signal that asks a container's init to end. `configured`: lxc.signal.halt, a name or a number, or
 * NULL. `status`: /proc/<pid>/status. An init that blocks SIGRTMIN+3 is systemd and takes that; one that
 * listens to SIGPWR takes it, as LXC wants; any other program was not made to be an init and gets SIGTERM.
 * One that does not even listen to that would not notice, as the first process of its namespace: it is
 * killed without waiting.
 */
int pv_halt_signal(const char *configured, const char *status);

#endif
