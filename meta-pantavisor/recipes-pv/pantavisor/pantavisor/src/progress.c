/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "json.h"
#include "text.h"

#define FILE_NAME ".pv/progress"
#define RETRIES 1000000

static const struct {
	const char *name;
	int percent;
} statuses[PV_PROGRESS_STATUSES] = {
	[PV_PROGRESS_NEW] = {"NEW", 0},
	[PV_PROGRESS_QUEUED] = {"QUEUED", 5},
	[PV_PROGRESS_DOWNLOADING] = {"DOWNLOADING", 25},
	[PV_PROGRESS_INPROGRESS] = {"INPROGRESS", 50},
	[PV_PROGRESS_TESTING] = {"TESTING", 75},
	[PV_PROGRESS_UPDATED] = {"UPDATED", 100},
	[PV_PROGRESS_DONE] = {"DONE", 100},
	[PV_PROGRESS_WONTGO] = {"WONTGO", 100},
	[PV_PROGRESS_ERROR] = {"ERROR", 100},
};

const char *pv_progress_name(enum pv_progress_status status)
{
	return statuses[status].name;
}

int pv_progress_percent(enum pv_progress_status status)
{
	return statuses[status].percent;
}

bool pv_progress_is_failed(enum pv_progress_status status)
{
	return status == PV_PROGRESS_WONTGO || status == PV_PROGRESS_ERROR;
}

/* Only what any reader takes the same way: a log may hold anything. */
static void put_string(FILE *to, const char *text)
{
	putc('"', to);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else
			putc(*text >= ' ' && *text < 0x7f ? *text : '?', to);
	}
	putc('"', to);
}

char *pv_progress_render(const struct pv_progress *progress)
{
	/* Every character as two, and the names around them. */
	size_t room = 2 * (PV_PROGRESS_MESSAGE + PV_PROGRESS_LOGS) + 256;
	char *text = pv_alloc(room, 1);
	FILE *to = fmemopen(text, room, "w");

	if (!to)
		return text;
	fprintf(to, "{\"progress\":%d,\"retries\":%d,\"status\":\"%s\",\"status-msg\":",
		statuses[progress->status].percent, progress->retries, statuses[progress->status].name);
	put_string(to, progress->message);
	if (*progress->logs) {
		fputs(",\"logs\":", to);
		put_string(to, progress->logs);
	}
	putc('}', to);
	fclose(to);
	return text;
}

static bool read_status(const struct pv_json *doc, struct pv_progress *progress)
{
	const struct pv_json_node *node = pv_json_get(doc, pv_json_root(doc), "status");
	const char *name = node ? pv_json_string(doc, node) : NULL;

	for (size_t i = 0; name && i < PV_COUNT(statuses); i++)
		if (!strcmp(name, statuses[i].name)) {
			progress->status = (enum pv_progress_status)i;
			return true;
		}
	return false;
}

static void read_text(const struct pv_json *doc, const char *name, char *to, size_t room)
{
	const struct pv_json_node *node = pv_json_get(doc, pv_json_root(doc), name);
	const char *text = node ? pv_json_string(doc, node) : NULL;

	snprintf(to, room, "%s", text ? text : "");
}

int pv_progress_parse(const char *text, size_t length, struct pv_progress *progress, struct pv_err *err)
{
	const struct pv_json_node *node;
	struct pv_json doc;
	double retries;
	bool known;

	*progress = (struct pv_progress){0};
	if (pv_json_parse(&doc, text, length, err) < 0)
		return -1;
	known = read_status(&doc, progress);
	node = pv_json_get(&doc, pv_json_root(&doc), "retries");
	if (node && pv_json_number(&doc, node, 0, RETRIES, &retries))
		progress->retries = (int)retries;
	read_text(&doc, "status-msg", progress->message, sizeof(progress->message));
	read_text(&doc, "logs", progress->logs, sizeof(progress->logs));
	pv_json_free(&doc);
	return known ? 0 : pv_err_set(err, "its status is unknown");
}

static int open_revision(int storage, const char *revision, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("trails/%s", revision);

	return pv_beneath_open(storage, path, O_RDONLY | O_DIRECTORY, err);
}

int pv_progress_load(int storage, const char *revision, struct pv_progress *progress, struct pv_err *err)
{
	cleanup_close int trail = open_revision(storage, revision, err);
	cleanup_free char *text = NULL;
	size_t length;

	if (trail < 0 || pv_beneath_read(trail, FILE_NAME, PV_PROGRESS_BYTES, &text, &length, err) < 0 ||
		pv_progress_parse(text, length, progress, err) < 0)
		return pv_err_wrap(err, "progress of revision %s", revision);
	return 0;
}

int pv_progress_store(
	struct pv_storage at, const char *revision, const struct pv_progress *progress, struct pv_err *err)
{
	cleanup_close int trail = open_revision(at.root, revision, err);
	cleanup_free char *text = pv_progress_render(progress);
	struct pv_storage folder = {trail, at.ops};

	if (trail < 0 || pv_durable_replace(folder, FILE_NAME, text, strlen(text), err) < 0)
		return pv_err_wrap(err, "progress of revision %s", revision);
	return 0;
}

int pv_progress_note(struct pv_storage at, const char *revision, enum pv_progress_status status,
	const char *message, struct pv_err *err)
{
	struct pv_progress progress = {.status = status};

	snprintf(progress.message, sizeof(progress.message), "%s", message);
	return pv_progress_store(at, revision, &progress, err);
}
