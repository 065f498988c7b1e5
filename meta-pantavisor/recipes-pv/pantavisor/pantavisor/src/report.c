/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <string.h>

#include "jsontext.h"

static const char *const restart_names[] = {
	[PV_RESTART_CONTAINER] = "container", [PV_RESTART_SYSTEM] = "system"};
static const char *const achievement_names[] = {
	[PV_UNACHIEVED] = "UNACHIEVED", [PV_ACHIEVED] = "ACHIEVED", [PV_TIMEDOUT] = "TIMEDOUT"};

static void put_member(FILE *to, const char *name, const char *text)
{
	fprintf(to, "\"%s\":", name);
	pv_jsontext_put(to, text);
}

static void put_backoff(FILE *to, const struct pv_recovery *recovery)
{
	if (recovery->backoff == PV_BACKOFF_AFTER)
		fprintf(to, "\"backoff_policy\":\"%ds\"", recovery->backoff_s);
	else
		put_member(
			to, "backoff_policy", recovery->backoff == PV_BACKOFF_NEVER ? "never" : "reboot");
}

static void put_recovery(FILE *to, const struct pv_task *task, int64_t now)
{
	const struct pv_recovery *recovery = &task->spec->recovery;
	bool is_stable = task->reached && task->started_at &&
			 now - task->started_at >= (int64_t)recovery->stable_timeout_s * 1000;

	fprintf(to, ",\"auto_recovery\":{");
	put_member(to, "policy", pv_recovery_name(recovery->mode));
	fprintf(to, ",\"max_retries\":%d,\"current_retries\":%d,\"stable_timeout\":%d,\"is_stable\":%s,",
		recovery->max_retries, task->retries, recovery->stable_timeout_s,
		is_stable ? "true" : "false");
	put_backoff(to, recovery);
	fputc('}', to);
}

static void put_container(FILE *to, const struct pv *pv, const struct pv_task *task, int64_t now)
{
	const struct pv_container *spec = task->spec;

	fputc('{', to);
	put_member(to, "name", spec->name);
	fputc(',', to);
	put_member(to, "group", pv->run->state.groups[spec->group].name);
	fputc(',', to);
	put_member(to, "status", pv_status_name(task->status));
	fputc(',', to);
	put_member(to, "status_goal", pv_goal_name(spec->goal));
	fputc(',', to);
	put_member(to, "restart_policy", restart_names[spec->restart]);
	fprintf(to, ",\"roles\":[\"%s\"]", pv_container_is_mgmt(spec) ? "mgmt" : "nobody");
	if (spec->health.test)
		fprintf(to, ",\"health\":\"%s\"", pv_health_name(task->health.standing));
	if (spec->recovery.given)
		put_recovery(to, task, now);
	if (spec->restart == PV_RESTART_CONTAINER)
		fprintf(to, ",\"user_stopped\":%s", task->user_stopped ? "true" : "false");
	fputc('}', to);
}

void pv_report_containers(FILE *to, const struct pv *pv, int64_t now)
{
	fputc('[', to);
	for (size_t i = 0; i < pv->run->task_count; i++) {
		if (i)
			fputc(',', to);
		put_container(to, pv, pv->run->tasks[i], now);
	}
	fputc(']', to);
}

static enum pv_achievement judge(const struct pv *pv, size_t group)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (pv->run->tasks[i]->spec->group == group && !pv->run->tasks[i]->reached)
			return group < pv->run->group ? PV_TIMEDOUT : PV_UNACHIEVED;
	return group < pv->run->group ? PV_ACHIEVED : PV_UNACHIEVED;
}

static void put_group(FILE *to, const struct pv *pv, size_t index)
{
	const struct pv_group *group = &pv->run->state.groups[index];
	const char *comma = "";

	fputc('{', to);
	put_member(to, "name", group->name);
	fputc(',', to);
	put_member(to, "status", achievement_names[judge(pv, index)]);
	fputc(',', to);
	put_member(to, "status_goal", pv_goal_name(group->goal));
	fputc(',', to);
	put_member(to, "restart_policy", restart_names[group->restart]);
	fprintf(to, ",\"timeout\":%d,\"containers\":[", group->timeout_s);
	for (size_t i = 0; i < pv->run->task_count; i++) {
		if (pv->run->tasks[i]->spec->group != index)
			continue;
		fputs(comma, to);
		pv_jsontext_put(to, pv->run->tasks[i]->spec->name);
		comma = ",";
	}
	fputs("]}", to);
}

void pv_report_groups(FILE *to, const struct pv *pv, int64_t now)
{
	(void)now;
	fputc('[', to);
	/* A revision that is not usable runs no groups. */
	for (size_t i = 0; pv->run->tasks && i < pv->run->state.group_count; i++) {
		if (i)
			fputc(',', to);
		put_group(to, pv, i);
	}
	fputc(']', to);
}

/* Of the revision that runs, or of a container before it. */
static bool is_named(const struct pv_run *run, size_t before)
{
	const char *home = run->tasks[before]->home;

	for (size_t i = 0; i < before; i++)
		if (run->tasks[i]->place != PV_PLACE_NONE && !strcmp(run->tasks[i]->home, home))
			return true;
	return !strcmp(run->revision, home);
}

void pv_report_needed(FILE *to, const struct pv *pv, int64_t now)
{
	const struct pv_run *run = pv->run;

	(void)now;
	fputs(run->revision, to);
	for (size_t i = 0; i < run->task_count; i++)
		if (run->tasks[i]->place != PV_PLACE_NONE && *run->tasks[i]->home && !is_named(run, i))
			fprintf(to, "\n%s", run->tasks[i]->home);
}
