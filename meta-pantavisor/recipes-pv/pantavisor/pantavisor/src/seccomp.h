/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls of a confined container (run.json: "profile":"confined"), in the words of
 * liblxc. It is part of the program, so that no initramfs can be without it.
 */
#ifndef PV_SECCOMP_H
#define PV_SECCOMP_H

#include <stdbool.h>

extern const char pv_seccomp_policy[];

/* From the text of /proc/<pid>/status. */
bool pv_seccomp_is_filtered(const char *status);

#endif
