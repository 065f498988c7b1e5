/* SPDX-License-Identifier: MIT */
/*
 * A state as structs: its entries (path -> object id or inline JSON), and from its manifests the groups,
 * the containers and the bsp. All texts point into the state's document. Parsing refuses what it would have
 * to guess.
 */
#ifndef PV_STATE_H
#define PV_STATE_H

#include <stdbool.h>

#include "goal.h"
#include "health.h"
#include "json.h"
#include "recovery.h"

#define PV_STATE_SPEC "pantavisor-service-system@1"
#define PV_STATE_PATHS 20000
#define PV_CONTAINERS 128
#define PV_GROUPS 32
#define PV_VOLUMES 64

enum pv_persistence { PV_PERSIST_BOOT, PV_PERSIST_REVISION, PV_PERSIST_PERMANENT };
enum pv_restart { PV_RESTART_CONTAINER, PV_RESTART_SYSTEM };

struct pv_entry {
	const char *path;
	const char *object_id; /* NULL: inline */
	const struct pv_json_node *value;
	bool is_volume; /* will be mounted */
};

struct pv_volume {
	const char *name; /* a file of the container or the bsp, or of a storage; NULL: none */
	bool has_verity;  /* it is read through dm-verity */
	enum pv_persistence persistence;
};

struct pv_group {
	const char *name;
	enum pv_goal goal;
	enum pv_restart restart;
	int timeout_s;
	struct pv_recovery recovery;
};

struct pv_container {
	const char *name;
	const char *lxc_conf;	 /* file below the container's folder; NULL: nothing to start */
	const char *root_volume; /* likewise */
	struct pv_volume *files; /* root_volume and the further volumes */
	size_t file_count;
	struct pv_volume *storages;
	size_t storage_count;
	size_t group; /* its index */
	enum pv_goal goal;
	enum pv_restart restart;
	struct pv_recovery recovery;
	struct pv_health health;
	bool automodfw;
	bool is_confined;	    /* its system calls are filtered */
	bool has_config;	    /* there are paths below _config/<name>/ */
	bool has_roles, lists_mgmt; /* its "roles" */
};

struct pv_state {
	struct pv_json doc;
	struct pv_entry *entries;
	struct pv_entry **sorted; /* of pv_state_find */
	size_t entry_count;
	struct pv_group groups[PV_GROUPS];
	size_t group_count;
	struct pv_container *containers; /* in the order of the state */
	size_t container_count;
	struct pv_volume bsp_modules, bsp_firmware;
};

/* `goals_timeout_s`: of groups that give none; `release`: uname -r, for modules_<release>. */
int pv_state_parse(struct pv_state *state, const char *text, size_t length, struct pv_err *err);
int pv_state_read_manifests(
	struct pv_state *state, int goals_timeout_s, const char *release, struct pv_err *err);
void pv_state_free(struct pv_state *state);
/*
 * Whether it manages the device through the control socket: it lists the role mgmt. One without "roles"
 * does so as well, as published devices have it, unless it is confined.
 */
bool pv_container_is_mgmt(const struct pv_container *container);
/* NULL if there is none. */
struct pv_entry *pv_state_find(const struct pv_state *state, const char *path);

#endif
