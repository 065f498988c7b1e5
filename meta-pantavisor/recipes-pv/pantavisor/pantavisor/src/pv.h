/* SPDX-License-Identifier: MIT */
/* The one struct of a running device, made in init.c and passed down. */
#ifndef PV_PV_H
#define PV_PV_H

#include "bootenv.h"
#include "config.h"
#include "diff.h"
#include "echo.h"
#include "job.h"
#include "loop.h"
#include "mounts.h"
#include "pvs.h"
#include "run.h"
#include "watchdog.h"

#define PV_CONFIG_FILE "/etc/pantavisor.config"
#define PV_MODULES_FILE "/etc/pantavisor/modules"
#define PV_TRUST_DIR "/etc/pantavisor/pvs/trust"
#define PV_SIGNERS_FILE "/etc/pantavisor/pvs/signers"
#define PV_STORAGE_DIR "/storage" /* a constant: over the trust store it would replace it */
#define PV_VOLUMES_DIR "/volumes"
#define PV_RUN_DIR "/run/pantavisor"
#define PV_CTRL_SOCKET PV_RUN_DIR "/pv-ctrl"  /* in containers /pantavisor/pv-ctrl */
#define PV_UNIT_SHOWN PV_RUN_DIR "/unit.json" /* in containers /pantavisor/unit.json */

/* From a revision to another one without a boot. At any time one of them has all that runs. */
enum pv_phase {
	PV_PHASE_NONE,
	PV_PHASE_LEAVING,   /* the containers that change are ending */
	PV_PHASE_TESTING,   /* the new one runs, and may have to go */
	PV_PHASE_NOTING,    /* it was good, and is noted for the boot loader */
	PV_PHASE_RETURNING, /* it was not: its containers that changed are ending */
};

struct pv_change_over {
	enum pv_phase phase;
	struct pv_run *other; /* the one that is to run; then the one that ran */
	struct pv_diff diff;  /* from the one that ran */
	bool failed, stable;  /* what runs, in the phase TESTING */
	int64_t until;	      /* for those that end */
};

/* A revision that is to take the place of the one that runs. */
struct pv_candidate {
	char revision[PV_REVISION_BYTES + 1]; /* "": none */
	bool by_reboot;			      /* in any case */
	bool is_noted;			      /* for the boot loader: no other note may take it out */
	char from[PV_REVISION_BYTES + 1];     /* of which it is made first; "": it is there */
	int ends[2];			      /* of its way from the job to here */
};

/* One that is being noted: what follows is decided then. */
struct pv_fault {
	bool is_asked;
	enum pv_occasion occasion;
	char *why, *otherwise;
};

enum pv_end { PV_END_NONE, PV_END_REBOOT, PV_END_POWEROFF };

/* An end that was asked for by the control socket: who asked gets the answer first. */
struct pv_asked {
	enum pv_end end;
	char *why;
	struct pv_timer timer;
};

struct pv {
	struct pv_loop loop;
	struct pv_jobs jobs;
	struct pv_watchdog watchdog;
	struct pv_config config;
	enum pv_secureboot mode;
	struct pv_trust *trust;	    /* NULL in mode disabled */
	struct pv_signers *signers; /* NULL: there is no table of them */
	char *cmdline;
	char release[65];

	struct pv_run *run; /* what runs, or would */
	enum pv_bootenv_kind loader;
	struct pv_bootenv env;	    /* as it was read at boot, or last written */
	uint64_t booted_generation; /* its, as it was read: what that tried has had its try */
	bool is_uncounted;	    /* this boot: the boot loader could not note it */
	int storage;		    /* its root directory, the start of every path below it */
	bool has_storage;

	struct pv_mounts mounts; /* but those of containers */
	struct pv_echo_budget *echoes;

	struct pv_candidate candidate;
	struct pv_change_over change;

	struct pv_fault fault;
	struct pv_asked asked;
	enum pv_end end;
	int64_t not_before; /* the end of a fault */
	int64_t kill_at;
	bool killed;
};

#endif
