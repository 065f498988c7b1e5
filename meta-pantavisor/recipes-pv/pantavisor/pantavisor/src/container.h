/* SPDX-License-Identifier: MIT */
/*
 * One container as it runs. A child of PID 1, its monitor, starts it through liblxc in the foreground and
 * ends with the container's own exit status; PID 1 sees the init appear below the monitor, and the monitor
 * end.
 */
#ifndef PV_CONTAINER_H
#define PV_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "goal.h"
#include "loop.h"
#include "names.h"
#include "state.h"

/* The monitor's exit status when LXC could not start the container. */
#define PV_CONTAINER_NOT_STARTED 255
/* Of one that ended well when it was asked to for its failed health check. */
#define PV_CONTAINER_ILL 254
#define PV_CONSOLE_LOG_BYTES "1MB"
/* Open files that a process may have as long as it does not ask for more. */
#define PV_CONTAINER_FILES 1024
#define PV_HALT_SIGNAL_BYTES 32
#define PV_CGROUP_DIR "/sys/fs/cgroup"

struct pv;
struct pv_run;

/* Where its volumes and its root are. */
enum pv_place {
	PV_PLACE_NONE,
	PV_PLACE_MOUNTING, /* a job is at it */
	PV_PLACE_MOUNTED,
	PV_PLACE_FAILED, /* not mounted, or not all of it */
	PV_PLACE_UNMOUNTING,
};

struct pv_task {
	struct pv *pv; /* of its jobs */
	struct pv_run *run;
	const struct pv_container *spec;
	char home[PV_REVISION_BYTES + 1]; /* the revision with whose volumes and log it was mounted */
	enum pv_status status;
	bool reached; /* its goal, since it last failed */
	enum pv_place place;
	bool is_starting;			/* once it is mounted */
	char halt_signal[PV_HALT_SIGNAL_BYTES]; /* as the conf names it, or empty */
	bool has_apparmor;
	bool filters_calls;	/* by our policy */
	bool hides_monitor;	/* from all that share the device's network */
	pid_t monitor;		/* a child of ours; 0: none */
	pid_t init;		/* 0: not seen yet */
	int init_process;	/* its descriptor */
	struct pv_source group; /* of its cgroup's events */
	bool is_watched;
	int64_t emptied_at; /* all of it ended, but the monitor; 0: not so */
	int exit_status;    /* of its last end */
	int retries;
	int64_t started_at;
	int64_t retry_at;		/* RECOVERING; 0: never */
	bool user_stopped;		/* it stays so until it is started on request */
	bool start_again;		/* once it ended: a restart */
	int64_t kill_at;		/* while it is asked to end; 0: never */
	struct pv_health_course health; /* of this run */
	pid_t probe;			/* its health check, a child of ours; 0: none runs */
	int64_t probe_at; /* when the next one begins, or this one is to have ended; 0: not known yet */
	bool is_ill;	  /* it is asked to end for that */
};

int pv_container_spawn(const struct pv *pv, struct pv_task *task, struct pv_err *err);
/* Once its monitor ended: what still runs of it is killed, and its cgroups go. */
void pv_container_clear(struct pv_task *task);
/* True once the container's own init runs. */
bool pv_container_find_init(struct pv *pv, struct pv_task *task);
/* True once another init runs in the place of the one that ended: it called reboot(2), and LXC started it
 * again by itself. */
bool pv_container_find_next_init(struct pv *pv, struct pv_task *task);
/* Asks its init to end, by the signal that it understands. */
void pv_container_halt(const struct pv_task *task);
void pv_container_kill(const struct pv_task *task);
/* What LXC, or who was to start it, complained of, into the log. */
void pv_container_log_errors(const struct pv_task *task);

#endif
