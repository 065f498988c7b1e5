/* SPDX-License-Identifier: MIT */
/*
 * The watchdog of the machine, which resets it unless it is fed in time. A timer of the loop feeds it,
 * and nothing else, as long as no job hangs in the kernel: a loop or a storage that hangs ends in a reset,
 * and with it a try. A job that hangs begins it as well where its mode had it watch at other times only,
 * for such a device would stay so until its power is cut. What PID 1 has to do outside of its loop, the
 * mount of the storage above all, has a limit of its own. Where there is no such device, all of this does
 * nothing.
 */
#ifndef PV_WATCHDOG_H
#define PV_WATCHDOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"
#include "job.h"
#include "loop.h"

enum pv_watchdog_mode {
	PV_WATCHDOG_DISABLED,
	PV_WATCHDOG_SHUTDOWN,
	PV_WATCHDOG_STARTUP,
	PV_WATCHDOG_ALWAYS
};

struct pv_watchdog {
	bool is_on, is_due; /* due: by its mode, whatever hangs */
	int fd;		    /* once it was on, until the end of PID 1: children may have it too, so that
			     * closing it would not be its end */
	enum pv_watchdog_mode mode;
	int timeout_s;
	pid_t feeder; /* while PID 1 is outside of its loop */
	struct pv_loop *loop;
	struct pv_jobs *jobs;
	struct pv_timer timer;
};

/* At boot, once its driver is there: begins in the modes startup and always, and is held. */
void pv_watchdog_boot(struct pv_watchdog *watchdog, const struct pv_config *config, struct pv_loop *loop,
	struct pv_jobs *jobs);
/* Around work outside of the loop: it is fed meanwhile, but not for longer than a verification may take.
 */
void pv_watchdog_hold(struct pv_watchdog *watchdog);
void pv_watchdog_let_go(struct pv_watchdog *watchdog);
/* The revision is up: that is the end of the mode startup. */
void pv_watchdog_up(struct pv_watchdog *watchdog);
/* The device is about to end: begins in the mode shutdown. */
void pv_watchdog_end(struct pv_watchdog *watchdog);
/* Once, in a wait that is bounded. */
void pv_watchdog_feed(const struct pv_watchdog *watchdog);
/* Of a machine that is to be off, and cannot be. */
void pv_watchdog_stop(struct pv_watchdog *watchdog);

#endif
