/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "../pvcontrol/exchange.h"
#include "alloc.h"
#include "archive.h"
#include "json.h"
#include "name.h"
#include "text.h"

#define OBJECTS "objects/"
#define PIECE_BYTES 65536
#define PROGRESS_BYTES 8192
#define MESSAGE_BYTES 256
#define OK 200
#define NOT_FOUND 404
#define BUSY 503
#define NO_ROOM 507
#define BUSY_S 5
#define BUSY_TRIES 360

/* The reason that the device gives for its refusal, as a sentence. */
static int refused(struct import *import, struct pv_err *err, const char *what, const struct answer *answer,
	FILE *from)
{
	char body[EXCHANGE_ERROR_BYTES];
	size_t length = fread(body, 1, sizeof(body) - 1, from);
	struct pv_json doc;
	struct pv_err unread;
	const char *why = NULL;

	body[length] = '\0';
	import->lacks_room = answer->status == NO_ROOM;
	if (pv_json_parse(&doc, body, length, &unread) < 0)
		return pv_err_set(err, "the device refuses %s (%d)", what, answer->status);
	why = pv_json_string(&doc, pv_json_get(&doc, pv_json_root(&doc), "Error"));
	pv_err_set(err, "the device refuses %s: %.400s", what, why ? why : "it gives no reason");
	pv_json_free(&doc);
	return -1;
}

static int fail_unanswered(struct pv_err *err)
{
	return pv_err_set(err, "the control socket does not answer");
}

/* Another revision may be tried now, as that of another stick, or collected: this one has its turn then. */
static FILE *ask(const struct request *request, struct answer *answer)
{
	FILE *from = exchange_open(request, answer);

	for (int i = 0; from && answer->status == BUSY && i < BUSY_TRIES; i++) {
		fclose(from);
		sleep(BUSY_S);
		from = exchange_open(request, answer);
	}
	return from;
}

/* A request without a body, or with a short one. Its answer must be 200. */
static int send_request(struct import *import, const char *method, const char *path, const char *text,
	const char *what, struct pv_err *err)
{
	const struct request request = {
		.socket = import->socket, .method = method, .path = path, .text = text, .file = -1};
	struct answer answer;
	FILE *from = ask(&request, &answer);
	int done;

	if (!from)
		return fail_unanswered(err);
	done = answer.status == OK ? 0 : refused(import, err, what, &answer, from);
	fclose(from);
	return done;
}

int import_collect(struct import *import, struct pv_err *err)
{
	return send_request(import, "POST", "/storage/gc", "", "to collect", err);
}

/* How much of the object the device has, or `size` for all. */
static int received(
	struct import *import, const char *path, uint64_t size, uint64_t *offset, struct pv_err *err)
{
	const struct request request = {
		.socket = import->socket, .method = "HEAD", .path = path, .file = -1};
	struct answer answer;
	FILE *from = ask(&request, &answer);
	int done = 0;

	if (!from)
		return fail_unanswered(err);
	*offset = answer.status == OK ? size : strtoull(answer.offset, NULL, 10);
	if (answer.status != OK && answer.status != NOT_FOUND)
		done = refused(import, err, "an object", &answer, from);
	fclose(from);
	/* A part of another length is not this object's. One that came whole, and was cut before the device
	 * kept it, is finished by its last byte. */
	if (*offset > size)
		*offset = 0;
	else if (answer.status != OK && *offset == size && size)
		*offset = size - 1;
	return done;
}

static int send_rest(struct archive *archive, int to, struct pv_err *err)
{
	static char bytes[PIECE_BYTES];

	while (archive->left) {
		size_t length = archive->left < sizeof(bytes) ? (size_t)archive->left : sizeof(bytes);

		if (archive_read(archive, bytes, length, err) < 0)
			return -1;
		/* A device that refuses takes no more of it: its answer has the reason. */
		if (!exchange_put(to, bytes, length))
			return 0;
	}
	return 0;
}

static int send_object(struct import *import, struct archive *archive, const char *path, uint64_t offset,
	struct pv_err *err)
{
	uint64_t size = archive->size;
	cleanup_free char *fields =
		offset ? pv_fmt("Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)offset,
				 (unsigned long long)size - 1, (unsigned long long)size)
		       : pv_dup("", 0);
	const struct request request = {.socket = import->socket,
		.method = "PUT",
		.path = path,
		.fields = fields,
		.file = -1,
		.length = size - offset};
	int to = exchange_begin(&request), done = 0;
	struct answer answer;
	FILE *from;

	if (to < 0)
		return fail_unanswered(err);
	if (archive_skip(archive, offset, err) < 0 || send_rest(archive, to, err) < 0) {
		pv_cleanup_close(&to);
		return -1;
	}
	from = exchange_hear(to, &answer);
	if (!from)
		return fail_unanswered(err);
	if (answer.status != OK)
		done = refused(import, err, archive->name, &answer, from);
	fclose(from);
	return done;
}

static int take_object(
	struct import *import, struct archive *archive, const char *state, struct pv_err *err)
{
	const char *id = archive->name + strlen(OBJECTS);
	cleanup_free char *path = pv_fmt("/%s", archive->name);
	uint64_t offset = 0;

	if (!pv_starts_with(archive->name, OBJECTS) || !is_object_id(id))
		return pv_err_set(err, "it is not an export: it holds more than a state and its objects");
	/* One that the state does not name is not the device's business. */
	if (!strstr(state, id))
		return 0;
	if (received(import, path, archive->size, &offset, err) < 0)
		return -1;
	return offset < archive->size || !archive->size ? send_object(import, archive, path, offset, err)
							: 0;
}

static char *read_state(struct archive *archive, struct pv_err *err)
{
	char *text;
	int found = archive_next(archive, err);

	if (found < 0)
		return NULL;
	if (!found || strcmp(archive->name, "json") != 0 || archive->size > PV_JSON_TEXT_BYTES) {
		pv_err_set(err, "it is not an export: it does not begin with a state");
		return NULL;
	}
	text = pv_alloc((size_t)archive->size + 1, 1);
	if (archive_read(archive, text, (size_t)archive->size, err) == 0)
		return text;
	free(text);
	return NULL;
}

/* A part of a state would leave the device without the others. */
static int check_whole(const char *state, struct pv_err *err)
{
	struct pv_json doc;
	bool is_whole;

	if (pv_json_parse(&doc, state, strlen(state), err) < 0)
		return pv_err_wrap(err, "its state");
	is_whole = pv_json_get(&doc, pv_json_root(&doc), "bsp/run.json") != NULL;
	pv_json_free(&doc);
	if (is_whole)
		return 0;
	pv_err_set(err, "it has no bsp, so it is a part of a state");
	pv_err_hint(err, "export the whole state: pvr export FILE.pvrexport.tgz, without --parts");
	return -1;
}

bool import_status(
	const struct import *import, char status[IMPORT_STATUS_BYTES], char reason[IMPORT_REASON_BYTES])
{
	cleanup_free char *path = pv_fmt("/steps/%s/progress", import->revision);
	const struct request request = {
		.socket = import->socket, .method = "GET", .path = path, .file = -1};
	char text[PROGRESS_BYTES];
	struct answer answer;
	struct pv_json doc;
	struct pv_err err;
	FILE *from = exchange_open(&request, &answer);
	size_t length = from ? fread(text, 1, sizeof(text), from) : 0;
	const struct pv_json_node *root;
	const char *word, *message;

	if (from)
		fclose(from);
	*status = *reason = '\0';
	if (!from || (answer.status != OK && answer.status != NOT_FOUND))
		return false;
	if (answer.status == NOT_FOUND)
		return true;
	if (pv_json_parse(&doc, text, length, &err) < 0)
		return false;
	root = pv_json_root(&doc);
	word = pv_json_string(&doc, pv_json_get(&doc, root, "status"));
	message = pv_json_string(&doc, pv_json_get(&doc, root, "status-msg"));
	snprintf(status, IMPORT_STATUS_BYTES, "%s", word ? word : "");
	snprintf(reason, IMPORT_REASON_BYTES, "%s", message ? message : "");
	pv_json_free(&doc);
	return true;
}

static int run(struct import *import, const char *state, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("/steps/%s", import->revision),
			  *note = pv_fmt("%s/commitmsg", path);
	cleanup_free char *message = pv_dup(import->message, strnlen(import->message, MESSAGE_BYTES));
	cleanup_free char *command = pv_fmt("{\"op\":\"LOCAL_RUN\",\"payload\":\"%s\"}", import->revision);

	if (send_request(import, "PUT", path, state, "the state", err) < 0 ||
		send_request(import, "PUT", note, message, "the message", err) < 0)
		return -1;
	return send_request(import, "POST", "/commands", command, "to try it", err);
}

static int import_archive(struct import *import, struct archive *archive, struct pv_err *err)
{
	cleanup_free char *state = read_state(archive, err);
	char reason[IMPORT_REASON_BYTES];
	int found;

	if (!state || check_whole(state, err) < 0)
		return -1;
	import->revision = state_name("usb", state);
	if (!import_status(import, import->known, reason))
		return fail_unanswered(err);
	/* One that was put, and not run, goes on. */
	if (!strcmp(import->known, "NEW"))
		*import->known = '\0';
	if (*import->known)
		return 0;
	while ((found = archive_next(archive, err)) > 0)
		if (take_object(import, archive, state, err) < 0)
			return -1;
	return found < 0 ? -1 : run(import, state, err);
}

int import_export(struct import *import, int fd, struct pv_err *err)
{
	struct archive archive;
	int done;

	if (archive_open(&archive, fd, err) < 0)
		return -1;
	done = import_archive(import, &archive, err);
	archive_close(&archive);
	return done;
}
