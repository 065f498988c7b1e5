/* SPDX-License-Identifier: MIT */
/*
 * A revision that is there takes the place of the one that runs: verified by a job once more, then without
 * a reboot where what differs allows it, else noted for the boot loader and tried by a reboot.
 */
#ifndef PV_LAUNCH_H
#define PV_LAUNCH_H

#include "pv.h"

/* For its verification: a state as text, parsed, and once more, and what verifies. The sanitizers of tests
 * take all there is. */
#ifndef PV_LAUNCH_MEMORY
#define PV_LAUNCH_MEMORY (256UL * 1024 * 1024)
#endif

/* Begins; what becomes of it is in the revision's progress. `by_reboot`: in any case. */
int pv_launch(struct pv *pv, const char *revision, bool by_reboot, struct pv_err *err);
/* Makes revision 0 again, of a revision that was committed once, and lets it replace the running one. */
int pv_launch_factory(struct pv *pv, const char *from, struct pv_err *err);
/* True while an update is on its way, or is tested: another one has to wait. */
bool pv_launch_is_busy(const struct pv *pv);

#endif
