/* SPDX-License-Identifier: MIT */
/* The manifests of a state: bsp/run.json and each container's run.json. */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "groups.h"
#include "names.h"
#include "text.h"
#include "verity.h"

static bool find_group(const struct pv_state *state, const char *name, size_t *index)
{
	for (*index = 0; *index < state->group_count; ++*index)
		if (!strcmp(state->groups[*index].name, name))
			return true;
	return false;
}

static bool group_is_empty(const struct pv_state *state, size_t index)
{
	for (size_t i = 0; i < state->container_count; i++)
		if (state->containers[i].group == index)
			return false;
	return true;
}

/* Without a name: the last group that the state lists; of the built-in ones, root for the first and
 * platform for the rest. */
static int choose_group(
	const struct pv_manifest *c, const struct pv_json_node *run, struct pv_container *container)
{
	const char *name = pv_manifest_text(c, run, "group");
	size_t root = 0;

	if (!name)
		name = pv_manifest_text(c, run, "runlevel");
	if (name && !find_group(c->state, name, &container->group))
		return pv_err_set(c->err, "there is no group \"%.64s\"", name);
	if (!name && c->own_groups)
		container->group = c->state->group_count - 1;
	else if (!name && find_group(c->state, "root", &root) && group_is_empty(c->state, root))
		container->group = root;
	else if (!name)
		find_group(c->state, "platform", &container->group);
	return 0;
}

/* `name` may begin with dm:, which asks for dm-verity. What the volume needs is held open. */
static int take_volume(
	const struct pv_manifest *c, const char *folder, const char *name, struct pv_volume *volume)
{
	bool has_verity = name && pv_starts_with(name, "dm:");
	cleanup_free char *path = NULL;
	struct pv_verity verity;
	struct pv_entry *entry;

	name += has_verity ? strlen("dm:") : 0;
	if (!pv_name_is_volume(name))
		return pv_err_set(c->err, "a volume has no legal name");
	path = pv_fmt("%s/%s", folder, name);
	entry = pv_state_find(c->state, path);
	if (!entry || !entry->object_id)
		return pv_err_set(c->err, "its volume %s is not an object of the state", name);
	entry->is_volume = true;
	*volume = (struct pv_volume){.name = name, .has_verity = has_verity};
	if (!has_verity)
		return 0;
	if (pv_verity_read(&verity, c->state, folder, name, c->err) < 0)
		return -1;
	verity.hashes->is_volume = true;
	return 0;
}

static int add_file(const struct pv_manifest *c, struct pv_container *container, const char *name)
{
	return take_volume(c, container->name, name, &container->files[container->file_count++]);
}

static int read_files(
	const struct pv_manifest *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *volumes = pv_json_get(c->doc, run, "volumes");

	if (volumes && (volumes->type != PV_JSON_ARRAY || volumes->count > PV_VOLUMES))
		return pv_err_set(c->err, "\"volumes\" is not an array of at most %d", PV_VOLUMES);
	container->files = pv_alloc(PV_VOLUMES + 1, sizeof(*container->files));
	container->root_volume = pv_manifest_text(c, run, "root-volume");
	if (container->root_volume && add_file(c, container, container->root_volume) < 0)
		return -1;
	for (const struct pv_json_node *n = pv_json_first(c->doc, volumes); n; n = pv_json_next(c->doc, n))
		if (add_file(c, container, pv_json_string(c->doc, n)) < 0)
			return -1;
	return 0;
}

static enum pv_persistence persistence_of(const char *word)
{
	if (!strcmp(word, "permanent"))
		return PV_PERSIST_PERMANENT;
	return !strcmp(word, "revision") ? PV_PERSIST_REVISION : PV_PERSIST_BOOT;
}

static int read_storages(
	const struct pv_manifest *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *storage = pv_json_get(c->doc, run, "storage");

	if (storage && (storage->type != PV_JSON_OBJECT || storage->count > PV_VOLUMES))
		return pv_err_set(c->err, "\"storage\" is not an object of at most %d", PV_VOLUMES);
	container->storages = pv_alloc(PV_VOLUMES, sizeof(*container->storages));
	for (const struct pv_json_node *n = pv_json_first(c->doc, storage); n;
		n = pv_json_next(c->doc, n)) {
		const char *name = pv_json_key(c->doc, n),
			   *persistence = pv_manifest_text(c, n, "persistence");
		struct pv_volume *volume = &container->storages[container->storage_count];

		if (!pv_name_is_volume(name))
			return pv_err_set(c->err, "a storage has no legal name");
		/* Putting it elsewhere would be wrong in silence: that disk may be the encrypted one. */
		if (pv_json_get(c->doc, n, "disk"))
			return pv_err_set(
				c->err, "its storage %s needs a disk, and disks are not supported", name);
		if (!persistence)
			continue;
		volume->name = name;
		volume->persistence = persistence_of(persistence);
		container->storage_count++;
	}
	return 0;
}

static int read_role(const struct pv_manifest *c, struct pv_container *container, const char *role)
{
	bool is_mgmt = role && !strcmp(role, "mgmt");

	container->lists_mgmt |= is_mgmt;
	if (is_mgmt || (role && !strcmp(role, "nobody")))
		return 0;
	return pv_err_set(c->err, "its role \"%.40s\" is not mgmt or nobody", role ? role : "");
}

/* An array of names; or an object, whose members are the names. */
static int read_roles(
	const struct pv_manifest *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *roles = pv_json_get(c->doc, run, "roles");
	bool is_object = pv_json_is(roles, PV_JSON_OBJECT);

	if (!roles)
		return 0;
	if (!is_object && !pv_json_is(roles, PV_JSON_ARRAY))
		return pv_err_set(c->err, "its \"roles\" is not an array");
	container->has_roles = roles->count > 0;
	for (const struct pv_json_node *n = pv_json_first(c->doc, roles); n; n = pv_json_next(c->doc, n))
		if (read_role(c, container,
			    is_object ? pv_json_key(c->doc, n) : pv_json_string(c->doc, n)) < 0)
			return -1;
	return 0;
}

bool pv_container_is_mgmt(const struct pv_container *container)
{
	return container->lists_mgmt || (!container->has_roles && !container->is_confined);
}

/* Its conf shares the network of the device, for a pool would give it one of its own. */
static int check_network(const struct pv_manifest *c, const struct pv_json_node *run)
{
	const struct pv_json_node *network = pv_json_get(c->doc, run, "network");
	const char *mode = pv_manifest_text(c, network, "mode");

	if (!network || (pv_json_is(network, PV_JSON_OBJECT) && !pv_json_get(c->doc, network, "pool") &&
				(!mode || !strcmp(mode, "host"))))
		return 0;
	return pv_err_set(c->err, "its network needs a pool, and pools are not supported");
}

static int check_lxc_conf(const struct pv_manifest *c, const struct pv_container *container)
{
	cleanup_free char *path = pv_fmt("%s/%s", container->name, container->lxc_conf);

	if (!pv_name_is_volume(container->lxc_conf) || !pv_state_find(c->state, path))
		return pv_err_set(c->err, "its \"config\" names no file of the state");
	return 0;
}

static int read_container(
	const struct pv_manifest *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *recovery = pv_json_get(c->doc, run, "auto_recovery");
	const char *name = pv_manifest_text(c, run, "name"), *type = pv_manifest_text(c, run, "type");
	const char *automodfw = pv_manifest_text(c, run, "automodfw"),
		   *profile = pv_manifest_text(c, run, "profile");
	const struct pv_group *group;

	if (!name || strcmp(name, container->name))
		return pv_err_set(c->err, "its name and its directory differ");
	if (choose_group(c, run, container) < 0)
		return -1;
	group = &c->state->groups[container->group];
	container->goal = group->goal;
	container->restart = group->restart;
	container->recovery = group->recovery;
	container->automodfw = !automodfw || strcmp(automodfw, "no");
	container->is_confined = profile && !strcmp(profile, "confined");
	if (pv_manifest_goal(c, pv_manifest_text(c, run, "status_goal"), &container->goal) < 0 ||
		pv_manifest_restart(c, pv_manifest_text(c, run, "restart_policy"), &container->restart) <
			0 ||
		(recovery && pv_recovery_parse(&container->recovery, c->doc, recovery, c->err) < 0) ||
		pv_health_parse(&container->health, c->doc, pv_json_get(c->doc, run, "health"), c->err) <
			0 ||
		read_roles(c, run, container) < 0 || check_network(c, run) < 0 ||
		read_files(c, run, container) < 0 || read_storages(c, run, container) < 0)
		return -1;
	if (container->goal == PV_GOAL_MOUNTED)
		return 0;
	if (!type || strcmp(type, "lxc"))
		return pv_err_set(c->err, "its type \"%.40s\" is not lxc", type ? type : "");
	container->lxc_conf = pv_manifest_text(c, run, "config");
	if (!container->lxc_conf || !container->root_volume)
		return pv_err_set(c->err, "it names no \"config\" or no \"root-volume\"");
	return check_lxc_conf(c, container);
}

static bool has_config(const struct pv_state *state, const char *name)
{
	cleanup_free char *prefix = pv_fmt("_config/%s/", name);

	for (size_t i = 0; i < state->entry_count; i++)
		if (pv_starts_with(state->entries[i].path, prefix))
			return true;
	return false;
}

static int read_containers(const struct pv_manifest *c)
{
	struct pv_state *state = c->state;

	state->containers = pv_alloc(PV_CONTAINERS, sizeof(*state->containers));
	for (size_t i = 0; i < state->entry_count; i++) {
		const struct pv_entry *entry = &state->entries[i];
		const char *slash = strchr(entry->path, '/');
		struct pv_container *container = &state->containers[state->container_count];

		if (!slash || strcmp(slash, "/run.json") || pv_starts_with(entry->path, "bsp/") ||
			entry->object_id)
			continue;
		if (state->container_count == PV_CONTAINERS)
			return pv_err_set(c->err, "more than %d containers", PV_CONTAINERS);
		container->name = pv_manifest_text(c, entry->value, "name");
		if (!pv_name_is_container(container->name) ||
			strlen(container->name) != (size_t)(slash - entry->path) ||
			!pv_starts_with(entry->path, container->name))
			return pv_err_set(c->err,
				"%.100s: its name is not that of its directory, or not legal", entry->path);
		container->has_config = has_config(state, container->name);
		container->group = PV_GROUPS;
		state->container_count++;
		if (read_container(c, entry->value, container) < 0)
			return pv_err_wrap(c->err, "container %s", container->name);
	}
	return 0;
}

static int bsp_file(const struct pv_manifest *c, const struct pv_json_node *run, const char *member,
	struct pv_volume *volume)
{
	const char *name = pv_manifest_text(c, run, member);

	if (!name || !*name || volume->name)
		return 0;
	return take_volume(c, "bsp", name, volume) < 0 ? pv_err_wrap(c->err, "bsp/run.json: \"%s\"", member)
						       : 0;
}

static int read_bsp(const struct pv_manifest *c)
{
	const struct pv_entry *entry = pv_state_find(c->state, "bsp/run.json");
	cleanup_free char *modules = pv_fmt("modules_%s", c->release);

	if (!entry || entry->object_id)
		return pv_err_set(c->err, "the state has no bsp/run.json");
	if (bsp_file(c, entry->value, modules, &c->state->bsp_modules) < 0 ||
		bsp_file(c, entry->value, "modules", &c->state->bsp_modules) < 0)
		return -1;
	return bsp_file(c, entry->value, "firmware", &c->state->bsp_firmware);
}

int pv_state_read_manifests(
	struct pv_state *state, int goals_timeout_s, const char *release, struct pv_err *err)
{
	struct pv_manifest c = {state, &state->doc, goals_timeout_s, release, false, err, NULL};

	if (pv_manifest_groups(&c) < 0 || read_bsp(&c) < 0)
		return -1;
	return read_containers(&c);
}
