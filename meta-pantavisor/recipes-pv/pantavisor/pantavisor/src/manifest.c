/* SPDX-License-Identifier: MIT */
/* The manifests of a state: device.json, bsp/run.json and each container's run.json. */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "state.h"
#include "util.h"

#define RUN_JSON "/run.json"

struct context {
	struct pv_state *state;
	const struct pv_json *doc;
	int goals_timeout_s;
	const char *release;
	bool own_groups; /* device.json lists them */
	struct pv_err *err;
};

static const char *text_of(const struct context *c, const struct pv_json_node *object, const char *name)
{
	return pv_json_string(c->doc, pv_json_get(c->doc, object, name));
}

static int parse_restart(const struct context *c, const char *text, enum pv_restart *restart)
{
	if (!text)
		return 0;
	if (strcmp(text, "system") && strcmp(text, "container"))
		return pv_err_set(c->err, "restart_policy \"%.40s\" is not system or container", text);
	*restart = strcmp(text, "system") ? PV_RESTART_CONTAINER : PV_RESTART_SYSTEM;
	return 0;
}

static int parse_goal(const struct context *c, const char *text, enum pv_goal *goal)
{
	if (text && !pv_goal_parse(text, goal))
		return pv_err_set(c->err, "status_goal \"%.40s\" is not MOUNTED, STARTED or READY", text);
	return 0;
}

static int parse_group(const struct context *c, const struct pv_json_node *node, struct pv_group *group)
{
	const struct pv_json_node *timeout = pv_json_get(c->doc, node, "timeout");
	double seconds = c->goals_timeout_s;

	*group = (struct pv_group){.name = text_of(c, node, "name"), .goal = PV_GOAL_STARTED};
	if (!pv_name_is(group->name))
		return pv_err_set(c->err, "device.json: a group has no legal name");
	for (const struct pv_group *g = c->state->groups; g < group; g++)
		if (!strcmp(g->name, group->name))
			return pv_err_set(c->err, "device.json: two groups are called %s", group->name);
	if (timeout && !pv_json_number(c->doc, timeout, 0, 86400, &seconds))
		return pv_err_set(
			c->err, "device.json: the timeout of group %s is not 0 to 86400", group->name);
	group->timeout_s = (int)seconds;
	if (parse_goal(c, text_of(c, node, "status_goal"), &group->goal) < 0 ||
		parse_restart(c, text_of(c, node, "restart_policy"), &group->restart) < 0 ||
		pv_recovery_parse(
			&group->recovery, c->doc, pv_json_get(c->doc, node, "auto_recovery"), c->err) < 0)
		return pv_err_wrap(c->err, "device.json: group %s", group->name);
	return 0;
}

static void default_groups(struct pv_state *state)
{
	static const struct pv_group groups[] = {
		{.name = "data", .goal = PV_GOAL_MOUNTED, .restart = PV_RESTART_SYSTEM, .timeout_s = 30},
		{.name = "root", .goal = PV_GOAL_STARTED, .restart = PV_RESTART_SYSTEM, .timeout_s = 30},
		{.name = "platform", .goal = PV_GOAL_STARTED, .restart = PV_RESTART_SYSTEM, .timeout_s = 30},
		{.name = "app",
			.goal = PV_GOAL_STARTED,
			.timeout_s = 30,
			.recovery = {.given = true,
				.mode = PV_RECOVER_ON_FAILURE,
				.max_retries = 5,
				.retry_delay_s = 5,
				.backoff_factor = 2.0,
				.stable_timeout_s = 30}},
	};

	memcpy(state->groups, groups, sizeof(groups));
	state->group_count = PV_COUNT(groups);
}

static int read_groups(struct context *c)
{
	const struct pv_entry *device = pv_state_find(c->state, "device.json");
	const struct pv_json_node *groups = device ? pv_json_get(c->doc, device->value, "groups") : NULL;

	c->own_groups = pv_json_is(groups, PV_JSON_ARRAY) && groups->count;
	if (!c->own_groups) {
		default_groups(c->state);
		return 0;
	}
	if (groups->count > PV_GROUPS)
		return pv_err_set(c->err, "device.json: more than %d groups", PV_GROUPS);
	for (const struct pv_json_node *n = pv_json_first(c->doc, groups); n; n = pv_json_next(c->doc, n))
		if (parse_group(c, n, &c->state->groups[c->state->group_count++]) < 0)
			return -1;
	return 0;
}

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

/* Without a name: the last group of device.json; of the built-in ones, root for the first and platform for
 * the rest. */
static int choose_group(
	const struct context *c, const struct pv_json_node *run, struct pv_container *container)
{
	const char *name = text_of(c, run, "group");
	size_t root = 0;

	if (!name)
		name = text_of(c, run, "runlevel");
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

static int add_file(const struct context *c, struct pv_container *container, const char *name)
{
	cleanup_free char *path = NULL;

	/* dm: asks for dm-verity. The whole object was hashed instead, so it is mounted as it is. */
	if (name && pv_starts_with(name, "dm:"))
		name += strlen("dm:");
	if (!pv_name_is_volume(name))
		return pv_err_set(c->err, "a volume has no legal name");
	path = pv_fmt("%s/%s", container->name, name);
	if (!pv_state_find(c->state, path))
		return pv_err_set(c->err, "its volume %s is not in the state", name);
	container->files[container->file_count++].name = name;
	return 0;
}

static int read_files(const struct context *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *volumes = pv_json_get(c->doc, run, "volumes");

	if (volumes && (volumes->type != PV_JSON_ARRAY || volumes->count > PV_VOLUMES))
		return pv_err_set(c->err, "\"volumes\" is no array of at most %d", PV_VOLUMES);
	container->files = pv_alloc(PV_VOLUMES + 1, sizeof(*container->files));
	container->root_volume = text_of(c, run, "root-volume");
	if (container->root_volume && add_file(c, container, container->root_volume) < 0)
		return -1;
	for (const struct pv_json_node *n = pv_json_first(c->doc, volumes); n; n = pv_json_next(c->doc, n))
		if (add_file(c, container, pv_json_string(c->doc, n)) < 0)
			return -1;
	return 0;
}

static int read_storages(
	const struct context *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *storage = pv_json_get(c->doc, run, "storage");

	if (storage && (storage->type != PV_JSON_OBJECT || storage->count > PV_VOLUMES))
		return pv_err_set(c->err, "\"storage\" is no object of at most %d", PV_VOLUMES);
	container->storages = pv_alloc(PV_VOLUMES, sizeof(*container->storages));
	for (const struct pv_json_node *n = pv_json_first(c->doc, storage); n; n = pv_json_next(c->doc, n)) {
		const char *name = pv_json_key(c->doc, n), *persistence = text_of(c, n, "persistence");
		struct pv_volume *volume = &container->storages[container->storage_count];

		if (!pv_name_is_volume(name))
			return pv_err_set(c->err, "a storage has no legal name");
		/* Putting it elsewhere would be wrong in silence: that disk may be the encrypted one. */
		if (pv_json_get(c->doc, n, "disk"))
			return pv_err_set(
				c->err, "its storage %s wants a disk, and disks are not supported", name);
		if (!persistence)
			continue;
		volume->name = name;
		volume->persistence = !strcmp(persistence, "permanent")	 ? PV_PERSIST_PERMANENT
				      : !strcmp(persistence, "revision") ? PV_PERSIST_REVISION
									 : PV_PERSIST_BOOT;
		container->storage_count++;
	}
	return 0;
}

static int check_lxc_conf(const struct context *c, const struct pv_container *container)
{
	cleanup_free char *path = pv_fmt("%s/%s", container->name, container->lxc_conf);

	if (!pv_name_is_volume(container->lxc_conf) || !pv_state_find(c->state, path))
		return pv_err_set(c->err, "its \"config\" names no file of the state");
	return 0;
}

static int read_container(
	const struct context *c, const struct pv_json_node *run, struct pv_container *container)
{
	const struct pv_json_node *recovery = pv_json_get(c->doc, run, "auto_recovery");
	const char *name = text_of(c, run, "name"), *type = text_of(c, run, "type");
	const char *automodfw = text_of(c, run, "automodfw");
	const struct pv_group *group;

	if (!name || strcmp(name, container->name))
		return pv_err_set(c->err, "its name and its folder differ");
	if (choose_group(c, run, container) < 0)
		return -1;
	group = &c->state->groups[container->group];
	container->goal = group->goal;
	container->restart = group->restart;
	container->recovery = group->recovery;
	container->automodfw = !automodfw || strcmp(automodfw, "no");
	if (parse_goal(c, text_of(c, run, "status_goal"), &container->goal) < 0 ||
		parse_restart(c, text_of(c, run, "restart_policy"), &container->restart) < 0 ||
		(recovery && pv_recovery_parse(&container->recovery, c->doc, recovery, c->err) < 0) ||
		read_files(c, run, container) < 0 || read_storages(c, run, container) < 0)
		return -1;
	if (container->goal == PV_GOAL_MOUNTED)
		return 0;
	if (!type || strcmp(type, "lxc"))
		return pv_err_set(c->err, "its type \"%.40s\" is not lxc", type ? type : "");
	container->lxc_conf = text_of(c, run, "config");
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

static int read_containers(const struct context *c)
{
	struct pv_state *state = c->state;

	state->containers = pv_alloc(PV_CONTAINERS, sizeof(*state->containers));
	for (size_t i = 0; i < state->entry_count; i++) {
		const struct pv_entry *entry = &state->entries[i];
		const char *slash = strchr(entry->path, '/');
		struct pv_container *container = &state->containers[state->container_count];

		if (!slash || strcmp(slash, RUN_JSON) || pv_starts_with(entry->path, "bsp/") ||
			entry->object_id)
			continue;
		if (state->container_count == PV_CONTAINERS)
			return pv_err_set(c->err, "more than %d containers", PV_CONTAINERS);
		container->name = text_of(c, entry->value, "name");
		if (!pv_name_is_container(container->name) ||
			strlen(container->name) != (size_t)(slash - entry->path) ||
			!pv_starts_with(entry->path, container->name))
			return pv_err_set(c->err, "%.100s: its name is not that of its folder, or not legal",
				entry->path);
		container->has_config = has_config(state, container->name);
		container->group = PV_GROUPS;
		state->container_count++;
		if (read_container(c, entry->value, container) < 0)
			return pv_err_wrap(c->err, "container %s", container->name);
	}
	return 0;
}

static int bsp_file(
	const struct context *c, const struct pv_json_node *run, const char *member, const char **file)
{
	cleanup_free char *path = NULL;
	const char *name = text_of(c, run, member);

	if (!name || !*name || *file)
		return 0;
	if (pv_starts_with(name, "dm:"))
		name += strlen("dm:");
	path = pv_fmt("bsp/%s", name);
	if (!pv_name_is_volume(name) || !pv_state_find(c->state, path))
		return pv_err_set(c->err, "bsp/run.json: its \"%s\" is not in the state", member);
	*file = name;
	return 0;
}

static int read_bsp(const struct context *c)
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
	struct context c = {state, &state->doc, goals_timeout_s, release, false, err};

	if (read_groups(&c) < 0 || read_bsp(&c) < 0)
		return -1;
	return read_containers(&c);
}
