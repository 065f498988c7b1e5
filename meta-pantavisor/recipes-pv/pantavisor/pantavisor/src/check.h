/* SPDX-License-Identifier: MIT */
#ifndef PV_CHECK_H
#define PV_CHECK_H

/* `pantavisor --check <storage> <revision> [--trust <pem>] [--mode <mode>]`: the exit status, 0 or 2. */
int pv_check(int argc, char **argv);

#endif
