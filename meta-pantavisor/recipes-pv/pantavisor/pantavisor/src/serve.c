/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef STATX_BTIME /* musl before 1.2.5 */
#include <linux/stat.h>
#endif

#include "alloc.h"
#include "beneath.h"
#include "collect.h"
#include "factory.h"
#include "jsontext.h"
#include "serve_object.h"
#include "serve_step.h"
#include "text.h"
#include "trail.h"

#define OK 200
#define NO_CONTENT 204
#define NOT_FOUND 404
#define FAILED 500
#define UNAVAILABLE 503

static void serve_buildinfo(struct pv_deal *deal)
{
	cleanup_free char *text = pv_jsontext_member("pantavisor", PV_VERSION);

	pv_exchange_json(&deal->exchange, OK, text);
}

/* `free` is what containers and updates can still use. */
static void serve_storage(struct pv_deal *deal)
{
	cleanup_free char *text = NULL;
	struct statvfs info;

	if (fstatvfs(deal->service->storage.root, &info) < 0) {
		pv_exchange_refuse(&deal->exchange, FAILED, "the storage cannot be opened");
		return;
	}
	text = pv_fmt("{\"total\":%llu,\"free\":%llu}", (unsigned long long)info.f_blocks * info.f_frsize,
		(unsigned long long)info.f_bavail * info.f_frsize);
	pv_exchange_json(&deal->exchange, OK, text);
}

static void serve_collection(struct pv_deal *deal)
{
	cleanup_free char *names = pv_dup(deal->running, strlen(deal->running)), *text = NULL;
	const char *kept[PV_TRAIL_REVISIONS + 1] = {PV_FACTORY};
	struct pv_keep keep = {.revisions = kept, .count = deal->service->keep_factory};
	struct pv_collected collected;
	struct pv_err err;
	int done;

	for (char *rest = names, *name; keep.count < PV_COUNT(kept) && (name = strsep(&rest, "\n"));)
		kept[keep.count++] = name;
	done = pv_collect(deal->service->storage, deal->service->loader, &keep, &collected, &err);
	/* Who has the answer may ask for the next thing at once. */
	close(deal->lock);
	if (done < 0) {
		pv_exchange_refuse(&deal->exchange, FAILED, err.text);
		return;
	}
	text = pv_fmt("{\"reclaimed\":%llu}", (unsigned long long)collected.bytes);
	pv_exchange_json(&deal->exchange, OK, text);
}

/* The number of a file that was removed is given to another one, which was born later. */
static char *tag_of(int file, const struct stat *info)
{
	struct statx more = {0};

	(void)syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_BTIME, &more);
	return pv_fmt("ETag: \"%llu-%lld.%u\"\r\n", (unsigned long long)info->st_ino,
		(long long)more.stx_btime.tv_sec, (unsigned)more.stx_btime.tv_nsec);
}

/* At its size of now: a container that writes on does not make an answer endless. Once LXC begins another
 * file, its tag is another, and positions count from its begin. */
static void serve_logs(struct pv_deal *deal)
{
	const struct pv_http_request *request = deal->exchange.request;
	bool is_previous = !strcmp(deal->name, "previous");
	cleanup_free char *path = pv_fmt("logs/%s/console.log%s", deal->running, is_previous ? ".1" : "");
	cleanup_free char *fields = NULL;
	struct pv_err err;
	cleanup_close int file = -1;
	struct stat info;

	if (is_previous || !*deal->name)
		file = pv_beneath_file(deal->service->storage.root, path, &err);
	if (file < 0 || fstat(file, &info) < 0) {
		pv_exchange_refuse(&deal->exchange, NOT_FOUND, "there is no such log");
		return;
	}
	fields = tag_of(file, &info);
	if (request->has_range && request->from == (uint64_t)info.st_size)
		pv_exchange_answer(&deal->exchange, NO_CONTENT, "text/plain", "", 0, fields);
	else
		pv_exchange_piece(&deal->exchange, file, (uint64_t)info.st_size, fields);
}

static void (*const handlers[])(struct pv_deal *deal) = {
	[PV_HANDLER_BUILDINFO] = serve_buildinfo,
	[PV_HANDLER_STORAGE] = serve_storage,
	[PV_HANDLER_LOGS] = serve_logs,
	[PV_HANDLER_COLLECT] = serve_collection,
	[PV_HANDLER_OBJECTS] = pv_serve_objects,
	[PV_HANDLER_OBJECT_GET] = pv_serve_object_get,
	[PV_HANDLER_OBJECT_HEAD] = pv_serve_object_head,
	[PV_HANDLER_OBJECT_PUT] = pv_serve_object_put,
	[PV_HANDLER_STEPS] = pv_serve_steps,
	[PV_HANDLER_STEP_GET] = pv_serve_step_get,
	[PV_HANDLER_STEP_PUT] = pv_serve_step_put,
};

void pv_serve(struct pv_deal *deal, enum pv_handler handler)
{
	if (deal->service->storage.root < 0 && handler != PV_HANDLER_BUILDINFO)
		pv_exchange_refuse(&deal->exchange, UNAVAILABLE, "there is no storage");
	else
		handlers[handler](deal);
	pv_exchange_end(&deal->exchange);
}
