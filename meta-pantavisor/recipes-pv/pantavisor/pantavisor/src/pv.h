/* SPDX-License-Identifier: MIT */
/* The one struct of a running device, made in init.c and passed down. */
#ifndef PV_PV_H
#define PV_PV_H

#include "bootenv.h"
#include "config.h"
#include "container.h"
#include "job.h"
#include "loop.h"
#include "mounts.h"
#include "objects.h"
#include "pvs.h"
#include "revision.h"
#include "state.h"

#define PV_CONFIG_FILE "/etc/pantavisor.config"
#define PV_MODULES_FILE "/etc/pantavisor/modules"
#define PV_TRUST_DIR "/etc/pantavisor/pvs/trust"
#define PV_SIGNERS_FILE "/etc/pantavisor/pvs/signers"
#define PV_STORAGE_DIR "/storage" /* a constant: over the trust store it would replace it */
#define PV_VOLUMES_DIR "/volumes"
#define PV_RUN_DIR "/run/pantavisor"

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

	char *revision;
	enum pv_bootenv_kind loader;
	struct pv_bootenv env; /* as it was read at boot, or last written */
	enum pv_standing standing;
	int storage; /* its root directory, the start of every path below it */
	bool has_storage;

	struct pv_state state;
	struct pv_held held;	 /* the objects of its volumes */
	struct pv_mounts mounts; /* but those of containers */
	struct pv_task *tasks;	 /* one for each container of the state; NULL until the revision may run */
	size_t task_count;	 /* 0 until then, whatever the state lists */
	size_t group;		 /* the one being started */
	int64_t group_since;	 /* 0: not begun */
	int groups_late;
	bool running;
	int64_t stable_at; /* when what runs well is committed, or its boot was good; 0: that is over */
	int64_t late_at;   /* when that is not waited for any longer */
	bool has_fault;	   /* and stays up with it */

	enum pv_end end;
	int64_t not_before; /* the end of a fault */
	int64_t kill_at;
	bool killed;
};

#endif
