/* SPDX-License-Identifier: MIT */
/* Revisions as the control socket has them: steps, with their progress and their message. */
#include "serve_step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "jsontext.h"
#include "progress.h"
#include "release.h"
#include "step.h"
#include "text.h"
#include "trail.h"

#define OK 200
#define BAD_REQUEST 400
#define NOT_FOUND 404
#define CONTENT_TOO_LARGE 413
#define UNPROCESSABLE 422
#define FAILED 500
#define NO_SPACE 507
#define NO_SPACE_TEXT "Not enough disk space available"

#define MESSAGE_BYTES 256
#define CURRENT "current"
#define LOCAL "locals/"

enum facet { STATE, PROGRESS, MESSAGE, NO_STEP };

static const struct {
	enum facet facet;
	const char *suffix;
} facets[] = {{PROGRESS, "/progress"}, {MESSAGE, "/commitmsg"}};

static const char *revision_of(const struct pv_deal *deal, const char *name)
{
	return strcmp(name, CURRENT) ? name : deal->running;
}

/* <revision>, <revision>/progress or <revision>/commitmsg; a revision may have such a name itself. */
static enum facet read_name(const struct pv_deal *deal, char revision[PV_REVISION_BYTES + 1])
{
	const char *whole = revision_of(deal, deal->name);

	if (pv_revision_is(whole)) {
		strcpy(revision, whole);
		return STATE;
	}
	for (size_t i = 0; i < PV_COUNT(facets); i++) {
		cleanup_free char *name = NULL;

		if (!pv_ends_with(deal->name, facets[i].suffix))
			continue;
		name = pv_dup(deal->name, strlen(deal->name) - strlen(facets[i].suffix));
		if (!pv_revision_is(revision_of(deal, name)))
			continue;
		strcpy(revision, revision_of(deal, name));
		return facets[i].facet;
	}
	return NO_STEP;
}

static int read_text(const struct pv_deal *deal, const char *revision, const char *file, size_t limit,
	char **text, size_t *length)
{
	cleanup_free char *path = pv_fmt("trails/%s/%s", revision, file);
	struct pv_err err;

	return pv_beneath_read(deal->service->storage.root, path, limit, text, length, &err);
}

static char *progress_of(const struct pv_deal *deal, const char *revision)
{
	struct pv_progress progress;
	struct pv_err err;

	if (pv_progress_load(deal->service->storage.root, revision, &progress, &err) < 0)
		return NULL;
	return pv_progress_render(&progress);
}

/* When its state was written. */
static void put_date(FILE *to, const struct pv_deal *deal, const char *revision)
{
	cleanup_free char *path = pv_fmt("trails/%s/.pvr/json", revision);
	struct pv_err err;
	cleanup_close int file = pv_beneath_file(deal->service->storage.root, path, &err);
	char text[32] = "";
	struct stat info;
	struct tm date;

	if (file >= 0 && fstat(file, &info) == 0 && gmtime_r(&info.st_mtime, &date))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &date);
	fprintf(to, "\"%s\"", text);
}

struct list {
	const struct pv_deal *deal;
	FILE *to;
	const char *comma;
};

static int put_step(void *context, const char *revision, struct pv_err *err)
{
	struct list *list = context;
	cleanup_free char *progress = progress_of(list->deal, revision), *message = NULL;
	size_t length;

	(void)err;
	if (read_text(list->deal, revision, ".pv/commitmsg", MESSAGE_BYTES, &message, &length) < 0)
		message = NULL;
	fprintf(list->to, "%s{\"name\":", list->comma);
	pv_jsontext_put(list->to, revision);
	fputs(",\"date\":", list->to);
	put_date(list->to, list->deal, revision);
	fputs(",\"commitmsg\":", list->to);
	pv_jsontext_put(list->to, message ? message : "");
	fprintf(list->to, ",\"progress\":%s}", progress ? progress : "{}");
	list->comma = ",";
	return 0;
}

void pv_serve_steps(struct pv_deal *deal)
{
	cleanup_free char *text = NULL;
	size_t length;
	struct list list = {deal, open_memstream(&text, &length), ""};
	struct pv_err err;
	int done = -1;

	if (list.to) {
		fputc('[', list.to);
		done = pv_trail_list(deal->service->storage.root, "", put_step, &list, &err);
		fputc(']', list.to);
	}
	if (!list.to || pv_close_text(list.to, &err) < 0 || done < 0)
		pv_exchange_refuse(&deal->exchange, FAILED, "the revisions cannot be listed");
	else
		pv_exchange_json(&deal->exchange, OK, text);
}

static void send_state(struct pv_deal *deal, const char *revision)
{
	cleanup_free char *text = NULL;
	size_t length;

	if (read_text(deal, revision, ".pvr/json", PV_JSON_TEXT_BYTES, &text, &length) < 0)
		pv_exchange_refuse(&deal->exchange, NOT_FOUND, "there is no such step");
	else
		pv_exchange_answer(&deal->exchange, OK, "application/json", text, length, "");
}

static void send_progress(struct pv_deal *deal, const char *revision)
{
	cleanup_free char *text = progress_of(deal, revision);

	if (text)
		pv_exchange_json(&deal->exchange, OK, text);
	else
		pv_exchange_refuse(
			&deal->exchange, NOT_FOUND, "there is no such step, or no progress of it");
}

static void send_message(struct pv_deal *deal, const char *revision)
{
	cleanup_free char *text = NULL;
	size_t length;

	if (read_text(deal, revision, ".pv/commitmsg", MESSAGE_BYTES, &text, &length) == 0)
		pv_exchange_answer(&deal->exchange, OK, "text/plain", text, length, "");
	else
		pv_exchange_refuse(
			&deal->exchange, NOT_FOUND, "there is no such step, or no message of it");
}

void pv_serve_step_get(struct pv_deal *deal)
{
	char revision[PV_REVISION_BYTES + 1];

	switch (read_name(deal, revision)) {
	case STATE:
		send_state(deal, revision);
		break;
	case PROGRESS:
		send_progress(deal, revision);
		break;
	case MESSAGE:
		send_message(deal, revision);
		break;
	case NO_STEP:
	default:
		pv_exchange_refuse(&deal->exchange, NOT_FOUND, "there is no such step");
	}
}

static void take_state(struct pv_deal *deal, const char *revision)
{
	size_t length = (size_t)deal->exchange.left;
	cleanup_free char *text = pv_exchange_take_text(&deal->exchange);
	struct pv_verify verify = deal->service->verify;
	const struct pv_step step = {.revision = revision,
		.text = text,
		.length = length,
		.least_release = pv_release_load(deal->service->storage.root, verify.mode)};
	struct pv_err err;

	if (!text)
		return;
	verify.storage = deal->service->storage.root;
	verify.revision = revision;
	errno = 0;
	if (pv_step_create(deal->service->storage, &verify, &step, &err) == 0)
		pv_exchange_json(&deal->exchange, OK, "");
	else if (errno == ENOSPC || errno == EDQUOT || pv_starts_with(err.text, "Space required"))
		pv_exchange_refuse(&deal->exchange, NO_SPACE, NO_SPACE_TEXT);
	else
		pv_exchange_refuse(&deal->exchange,
			pv_starts_with(err.text, PV_STEP_TOO_MANY) ? NO_SPACE : UNPROCESSABLE, err.text);
}

/* Open before the message comes: a caller may take its time, and the revision may be gone meanwhile. */
static void take_message(struct pv_deal *deal, const char *revision)
{
	cleanup_free char *path = pv_fmt("trails/%s", revision), *text = NULL;
	cleanup_close int trail = pv_beneath_try(deal->service->storage.root, path, O_RDONLY | O_DIRECTORY);
	const struct pv_storage at = {trail, deal->service->storage.ops};
	size_t length = (size_t)deal->exchange.left;
	struct pv_err err;

	if (length > MESSAGE_BYTES) {
		pv_exchange_refuse(
			&deal->exchange, CONTENT_TOO_LARGE, "the message is longer than 256 bytes");
		return;
	}
	if (trail < 0 || !pv_beneath_has(trail, ".pvr/json")) {
		pv_exchange_refuse(&deal->exchange, NOT_FOUND, "there is no such step");
		return;
	}
	text = pv_exchange_take_text(&deal->exchange);
	if (!text)
		return;
	if (pv_durable_replace(at, ".pv/commitmsg", text, length, &err) == 0)
		pv_exchange_json(&deal->exchange, OK, "");
	else
		pv_exchange_refuse(&deal->exchange, FAILED, err.text);
}

void pv_serve_step_put(struct pv_deal *deal)
{
	char revision[PV_REVISION_BYTES + 1];
	enum facet facet = read_name(deal, revision);

	if (facet == MESSAGE)
		take_message(deal, revision);
	else if (facet == STATE && pv_starts_with(revision, LOCAL) && strcmp(deal->name, CURRENT))
		take_state(deal, revision);
	else
		pv_exchange_refuse(&deal->exchange, BAD_REQUEST, "a step is put under locals/<name>");
}
