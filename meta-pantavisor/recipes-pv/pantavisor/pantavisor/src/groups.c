/* SPDX-License-Identifier: MIT */
#include "groups.h"

#include <string.h>

#include "alloc.h"
#include "names.h"

const char *pv_manifest_text(
	const struct pv_manifest *c, const struct pv_json_node *object, const char *name)
{
	return pv_json_string(c->doc, pv_json_get(c->doc, object, name));
}

int pv_manifest_restart(const struct pv_manifest *c, const char *text, enum pv_restart *restart)
{
	if (!text)
		return 0;
	if (strcmp(text, "system") && strcmp(text, "container"))
		return pv_err_set(c->err, "restart_policy \"%.40s\" is not system or container", text);
	*restart = strcmp(text, "system") ? PV_RESTART_CONTAINER : PV_RESTART_SYSTEM;
	return 0;
}

int pv_manifest_goal(const struct pv_manifest *c, const char *text, enum pv_goal *goal)
{
	if (text && !pv_goal_parse(text, goal))
		return pv_err_set(c->err, "status_goal \"%.40s\" is not MOUNTED, STARTED or READY", text);
	return 0;
}

static int parse_group(const struct pv_manifest *c, const struct pv_json_node *node, struct pv_group *group)
{
	const struct pv_json_node *timeout = pv_json_get(c->doc, node, "timeout");
	double seconds = c->goals_timeout_s;

	*group = (struct pv_group){.name = pv_manifest_text(c, node, "name"), .goal = PV_GOAL_STARTED};
	if (!pv_name_is(group->name))
		return pv_err_set(c->err, "%s: a group has no legal name", c->groups_file);
	for (const struct pv_group *g = c->state->groups; g < group; g++)
		if (!strcmp(g->name, group->name))
			return pv_err_set(
				c->err, "%s: two groups are called %s", c->groups_file, group->name);
	if (timeout && !pv_json_number(c->doc, timeout, 0, PV_GROUP_TIMEOUT_S, &seconds))
		return pv_err_set(c->err, "%s: the timeout of group %s is not 0 to %d", c->groups_file,
			group->name, PV_GROUP_TIMEOUT_S);
	group->timeout_s = (int)seconds;
	if (pv_manifest_goal(c, pv_manifest_text(c, node, "status_goal"), &group->goal) < 0 ||
		pv_manifest_restart(c, pv_manifest_text(c, node, "restart_policy"), &group->restart) < 0 ||
		pv_recovery_parse(
			&group->recovery, c->doc, pv_json_get(c->doc, node, "auto_recovery"), c->err) < 0)
		return pv_err_wrap(c->err, "%s: group %s", c->groups_file, group->name);
	return 0;
}

static void default_groups(struct pv_state *state)
{
	static const struct pv_group groups[] = {
		{.name = "data", .goal = PV_GOAL_MOUNTED, .restart = PV_RESTART_SYSTEM, .timeout_s = 30},
		{.name = "root", .goal = PV_GOAL_STARTED, .restart = PV_RESTART_SYSTEM, .timeout_s = 30},
		{.name = "platform",
			.goal = PV_GOAL_STARTED,
			.restart = PV_RESTART_SYSTEM,
			.timeout_s = 30},
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

/* Volumes that name no disk belong on it, and it may be the encrypted one. Others are passed over. */
static int refuse_default_disk(const struct pv_manifest *c, const struct pv_json_node *device)
{
	static const char *const lists[] = {"disks", "disks_v2", "disks_v3"};

	for (size_t i = 0; i < PV_COUNT(lists); i++) {
		const struct pv_json_node *list = pv_json_get(c->doc, device, lists[i]);

		for (const struct pv_json_node *n = pv_json_first(c->doc, list); n;
			n = pv_json_next(c->doc, n)) {
			const char *is_default = pv_manifest_text(c, n, "default");

			if (is_default && !strcmp(is_default, "yes"))
				return pv_err_set(c->err,
					"device.json has a default disk, and disks are not supported");
		}
	}
	return 0;
}

/* Of states from before device.json. Published runtimes, too, read none of these next to it. */
static int old_groups(struct pv_manifest *c, const struct pv_json_node **groups)
{
	static const char *const disks[] = {"disks.json", "disks_v2.json", "disks_v3.json"};
	const struct pv_entry *entry;

	for (size_t i = 0; i < PV_COUNT(disks); i++) {
		entry = pv_state_find(c->state, disks[i]);
		if (entry && (entry->object_id || !pv_json_is(entry->value, PV_JSON_ARRAY) ||
				     entry->value->count))
			return pv_err_set(c->err, "%s declares disks, which are not supported", disks[i]);
	}
	entry = pv_state_find(c->state, "groups.json");
	if (!entry)
		return 0;
	if (entry->object_id || !pv_json_is(entry->value, PV_JSON_ARRAY) || !entry->value->count)
		return pv_err_set(c->err, "groups.json is not a list of groups");
	*groups = entry->value;
	c->groups_file = "groups.json";
	return 0;
}

int pv_manifest_groups(struct pv_manifest *c)
{
	const struct pv_entry *device = pv_state_find(c->state, "device.json");
	const struct pv_json_node *groups = device ? pv_json_get(c->doc, device->value, "groups") : NULL;

	c->groups_file = "device.json";
	if ((device ? refuse_default_disk(c, device->value) : old_groups(c, &groups)) < 0)
		return -1;
	c->own_groups = pv_json_is(groups, PV_JSON_ARRAY) && groups->count;
	if (!c->own_groups) {
		default_groups(c->state);
		return 0;
	}
	if (groups->count > PV_GROUPS)
		return pv_err_set(c->err, "%s: more than %d groups", c->groups_file, PV_GROUPS);
	for (const struct pv_json_node *n = pv_json_first(c->doc, groups); n; n = pv_json_next(c->doc, n))
		if (parse_group(c, n, &c->state->groups[c->state->group_count++]) < 0)
			return -1;
	return 0;
}
