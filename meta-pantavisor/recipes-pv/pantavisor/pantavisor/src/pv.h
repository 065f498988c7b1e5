/* SPDX-License-Identifier: MIT */
/* The one struct of a running device, made in init.c and passed down. */
#ifndef PV_PV_H
#define PV_PV_H

#include "bootenv.h"
#include "config.h"
#include "job.h"
#include "loop.h"
#include "mounts.h"
#include "pvs.h"
#include "run.h"

#define PV_CONFIG_FILE "/etc/pantavisor.config"
#define PV_MODULES_FILE "/etc/pantavisor/modules"
#define PV_TRUST_DIR "/etc/pantavisor/pvs/trust"
#define PV_SIGNERS_FILE "/etc/pantavisor/pvs/signers"
#define PV_STORAGE_DIR "/storage" /* a constant: over the trust store it would replace it */
#define PV_VOLUMES_DIR "/volumes"
#define PV_RUN_DIR "/run/pantavisor"
#define PV_CTRL_SOCKET PV_RUN_DIR "/pv-ctrl" /* in containers /pantavisor/pv-ctrl */

enum pv_end { PV_END_NONE, PV_END_REBOOT, PV_END_POWEROFF };

struct pv {
	struct pv_loop loop;
	struct pv_jobs jobs;
	struct pv_config config;
	enum pv_secureboot mode;
	struct pv_trust *trust;	    /* NULL in mode disabled */
	struct pv_signers *signers; /* NULL: there is no table of them */
	char *cmdline;
	char release[65];

	struct pv_run *run; /* what runs, or would */
	enum pv_bootenv_kind loader;
	struct pv_bootenv env; /* as it was read at boot, or last written */
	int storage;	       /* its root directory, the start of every path below it */
	bool has_storage;

	struct pv_mounts mounts; /* but those of containers */

	char launching[PV_REVISION_BYTES + 1]; /* a revision that is to be tried; "": none */

	enum pv_end end;
	int64_t not_before; /* the end of a fault */
	int64_t kill_at;
	bool killed;
};

#endif
