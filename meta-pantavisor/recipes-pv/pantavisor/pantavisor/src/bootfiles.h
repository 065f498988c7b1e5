/* SPDX-License-Identifier: MIT */
/*
 * What a boot loader reads of a revision: the links below .pv/ to kernel, initramfs, add-ons and device
 * tree, and next to each the signature that the boot loader verifies it by. They must be the objects of the
 * state, or something else than the verified state has been booted.
 */
#ifndef PV_BOOTFILES_H
#define PV_BOOTFILES_H

#include "objects.h"

#define PV_ADDONS 64

/* A name below .pv/ that a boot loader reads. */
bool pv_bootfiles_is(const char *name);
/*
 * A name that a boot loader reads and the state does not list is refused, and so is a link to anything
 * else. What is missing is linked again where `repair` allows it; but where that is an add-on or a device
 * tree, the system that runs was booted without it, and that is an error all the same.
 */
int pv_bootfiles_check(
	const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err);
/* Checked, and read once more from the medium, whatever memory still has of them: the next boot will be.
 * With them the device trees of the bsp, of which U-Boot may take any. */
int pv_bootfiles_read(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err);
/* All of them, in the folder of a revision that is being made. */
int pv_bootfiles_make(
	int storage, struct pv_storage trail, const struct pv_state *state, struct pv_err *err);

#endif
