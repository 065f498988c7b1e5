/* SPDX-License-Identifier: MIT */
/* Objects: listed, sent, and received in one or several pieces. */
#include "serve_object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "space.h"
#include "text.h"
#include "upload.h"

#define PIECE_BYTES (64 * 1024)
#define OK 200
#define BAD_REQUEST 400
#define NOT_FOUND 404
#define CONFLICT 409
#define LENGTH_REQUIRED 411
#define UNPROCESSABLE 422
#define FAILED 500
#define NO_SPACE 507

/* The words by which published tools know it. */
#define NO_SPACE_TEXT "Not enough disk space available"
#define BAD_CHECKSUM_TEXT "Object has bad checksum"

static void put_object(FILE *to, int folder, const char *id, const char **comma)
{
	struct stat info;

	if (!pv_sha256_is(id) || fstatat(folder, id, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(info.st_mode))
		return;
	fprintf(to, "%s{\"sha256\":\"%s\",\"size\":\"%lld\"}", *comma, id, (long long)info.st_size);
	*comma = ",";
}

static int put_objects(FILE *to, int storage)
{
	struct pv_err err;
	int folder = pv_beneath_open(storage, "objects", O_RDONLY | O_DIRECTORY, &err);
	cleanup_dir DIR *list = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;
	const char *comma = "";

	if (!list)
		return -1;
	fputc('[', to);
	for (errno = 0; (entry = readdir(list)); errno = 0)
		put_object(to, folder, entry->d_name, &comma);
	fputc(']', to);
	return errno ? -1 : 0;
}

void pv_serve_objects(struct pv_deal *deal)
{
	cleanup_free char *text = NULL;
	size_t length;
	struct pv_err err;
	FILE *to = open_memstream(&text, &length);
	int done = to ? put_objects(to, deal->service->storage.root) : -1;

	if (!to || pv_close_text(to, &err) < 0 || done < 0)
		pv_exchange_refuse(&deal->exchange, FAILED, "the objects cannot be listed");
	else
		pv_exchange_json(&deal->exchange, OK, text);
}

void pv_serve_object_get(struct pv_deal *deal)
{
	cleanup_free char *path = pv_fmt("objects/%s", deal->name);
	struct pv_err err;
	cleanup_close int file =
		pv_sha256_is(deal->name) ? pv_beneath_file(deal->service->storage.root, path, &err) : -1;
	struct stat info;

	if (file < 0 || fstat(file, &info) < 0)
		pv_exchange_refuse(&deal->exchange, BAD_REQUEST, "there is no such object");
	else
		pv_exchange_piece(&deal->exchange, file, (uint64_t)info.st_size, "");
}

/* How much of it is there: the next piece begins after that. */
static char *offset_field(const struct pv_deal *deal)
{
	return pv_fmt("Upload-Offset: %llu\r\n",
		(unsigned long long)pv_object_received(deal->service->storage.root, deal->name));
}

void pv_serve_object_head(struct pv_deal *deal)
{
	cleanup_free char *path = pv_fmt("objects/%s", deal->name), *fields = NULL;
	struct pv_err err;
	cleanup_close int file = -1;
	struct stat info = {0};

	if (!pv_sha256_is(deal->name)) {
		pv_exchange_refuse(&deal->exchange, BAD_REQUEST, "that is not an object's id");
		return;
	}
	fields = offset_field(deal);
	file = pv_beneath_file(deal->service->storage.root, path, &err);
	if (file >= 0 && fstat(file, &info) == 0)
		pv_exchange_file(&deal->exchange, OK, file, (uint64_t)info.st_size, fields);
	else
		pv_exchange_answer(&deal->exchange, NOT_FOUND, "application/json", "", 0, fields);
}

static void refuse_write(struct pv_deal *deal, const struct pv_err *err)
{
	if (errno == ENOSPC || errno == EDQUOT)
		pv_exchange_refuse(&deal->exchange, NO_SPACE, NO_SPACE_TEXT);
	else
		pv_exchange_refuse(&deal->exchange, FAILED, err->text);
}

/* A body that begins before the end of what is there repeats that; the checksum is over what is there. */
static int receive(struct pv_deal *deal, struct pv_upload *upload, uint64_t repeated)
{
	static char bytes[PIECE_BYTES];
	struct pv_err err;
	ssize_t got;

	while ((got = pv_exchange_take(&deal->exchange, bytes, sizeof(bytes))) > 0) {
		size_t skipped = repeated < (uint64_t)got ? (size_t)repeated : (size_t)got;

		repeated -= skipped;
		errno = 0;
		if (pv_object_append(upload, bytes + skipped, (size_t)got - skipped, &err) < 0) {
			refuse_write(deal, &err);
			return -1;
		}
	}
	return got < 0 ? -1 : 0;
}

/* Only what is whole gets a name; a piece stays for the next one. */
static void finish(struct pv_deal *deal, struct pv_upload *upload)
{
	cleanup_free char *fields = NULL;
	bool is_wrong = false;
	struct pv_err err;

	if (upload->received < upload->size) {
		pv_object_stop(upload);
		fields = offset_field(deal);
		pv_exchange_answer(&deal->exchange, OK, "application/json", "", 0, fields);
		return;
	}
	errno = 0;
	if (pv_object_finish(upload, &is_wrong, &err) == 0)
		pv_exchange_json(&deal->exchange, OK, "");
	else if (is_wrong)
		pv_exchange_refuse(&deal->exchange, UNPROCESSABLE, BAD_CHECKSUM_TEXT);
	else
		refuse_write(deal, &err);
}

static void take_pieces(struct pv_deal *deal, struct pv_upload *upload)
{
	const struct pv_http_request *request = deal->exchange.request;
	uint64_t first = request->has_content_range ? request->first : 0;

	if (first > upload->received) {
		static const char less_received[] = "{\"Error\":\"the bytes before these are missing\"}";
		cleanup_free char *fields = NULL;

		pv_object_stop(upload);
		fields = offset_field(deal);
		pv_exchange_answer(&deal->exchange, CONFLICT, "application/json", less_received,
			sizeof(less_received) - 1, fields);
	} else if (receive(deal, upload, upload->received - first) < 0) {
		pv_object_stop(upload);
	} else {
		finish(deal, upload);
	}
}

void pv_serve_object_put(struct pv_deal *deal)
{
	const struct pv_http_request *request = deal->exchange.request;
	uint64_t size = request->has_content_range ? request->total : request->length;
	int storage = deal->service->storage.root;
	uint64_t there = pv_object_received(storage, deal->name);
	struct pv_upload upload;
	struct pv_err err;

	if (!pv_sha256_is(deal->name)) {
		pv_exchange_refuse(&deal->exchange, BAD_REQUEST, "that is not an object's id");
		return;
	}
	if (!request->has_length) {
		pv_exchange_refuse(&deal->exchange, LENGTH_REQUIRED, "a body needs a Content-Length");
		return;
	}
	if (pv_space_check(storage, size > there ? size - there : 0, &err) < 0) {
		pv_exchange_refuse(&deal->exchange, NO_SPACE, NO_SPACE_TEXT);
		return;
	}
	switch (pv_object_begin(deal->service->storage, deal->name, size, &upload, &err)) {
	case PV_UPLOAD_THERE:
		pv_exchange_json(&deal->exchange, OK, "");
		break;
	case PV_UPLOAD_OPEN:
		take_pieces(deal, &upload);
		break;
	case PV_UPLOAD_FAILED:
	default:
		pv_exchange_refuse(&deal->exchange, CONFLICT, err.text);
	}
}
