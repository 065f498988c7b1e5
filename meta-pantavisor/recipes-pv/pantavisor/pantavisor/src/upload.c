/* SPDX-License-Identifier: MIT */
#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "space.h"

#define OBJECTS "objects"

/* The size of a regular file, or -1. */
static int64_t size_of(int folder, const char *name, nlink_t *links)
{
	struct stat info;

	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode))
		return -1;
	*links = info.st_nlink;
	return info.st_size;
}

uint64_t pv_object_received(int storage, const char *object_id)
{
	struct pv_err err;
	cleanup_close int folder = pv_beneath_open(storage, OBJECTS, O_RDONLY | O_DIRECTORY, &err);
	char part[sizeof(PV_UPLOAD_PART) + PV_SHA256_HEX];
	int64_t size;
	nlink_t links;

	if (folder < 0 || !pv_sha256_is(object_id))
		return 0;
	snprintf(part, sizeof(part), PV_UPLOAD_PART "%s", object_id);
	size = size_of(folder, object_id, &links);
	if (size < 0)
		size = size_of(folder, part, &links);
	return size < 0 ? 0 : (uint64_t)size;
}

static int sum_of(int folder, const char *object_id, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	cleanup_close int fd = pv_beneath_file(folder, object_id, err);

	return fd < 0 ? -1 : pv_sha256_fd(fd, hex, err);
}

/* One that is there under its name. A damaged one that no revision has may come again. */
static enum pv_upload_state judge_existing(struct pv_storage at, const char *object_id, struct pv_err *err)
{
	char hex[PV_SHA256_HEX + 1];
	nlink_t links;

	if (size_of(at.root, object_id, &links) < 0)
		return PV_UPLOAD_OPEN;
	if (sum_of(at.root, object_id, hex, err) < 0)
		return PV_UPLOAD_FAILED;
	if (!strcmp(hex, object_id))
		return PV_UPLOAD_THERE;
	if (links == 1 && at.ops->unlink(at.root, object_id) == 0)
		return PV_UPLOAD_OPEN;
	pv_err_set(err, "object %.12s is damaged, and a revision has it", object_id);
	pv_err_hint(err, "remove the revisions that have it, then send it again");
	return PV_UPLOAD_FAILED;
}

/* Before the lock was ours, the part may have become the object, or have gone. */
static bool has_name(const struct pv_upload *upload, const struct stat *info)
{
	struct stat named;

	return fstatat(upload->at.root, upload->part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_ino == info->st_ino && named.st_dev == info->st_dev;
}

/* Or another part has: ours was made behind it, and would take the place of what a revision may have. */
static bool has_come(const struct pv_upload *upload)
{
	nlink_t links;

	if (size_of(upload->at.root, upload->id, &links) < 0)
		return false;
	upload->at.ops->unlink(upload->at.root, upload->part);
	return true;
}

/* What a part holds already counts, if it can be that object's beginning at all. */
static int open_part(struct pv_upload *upload, struct pv_err *err)
{
	struct stat info;

	upload->file = upload->at.ops->create(upload->at.root, upload->part, O_RDWR | O_APPEND);
	if (upload->file < 0)
		return pv_err_errno(err, "cannot open %s", upload->part);
	if (flock(upload->file, LOCK_EX | LOCK_NB) < 0)
		return pv_err_set(err, "object %.12s is being sent by another connection", upload->id);
	if (fstat(upload->file, &info) == 0 && (!has_name(upload, &info) || has_come(upload)))
		return pv_err_set(err, "object %.12s was sent by another connection meanwhile", upload->id);
	if (fstat(upload->file, &info) < 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1 ||
		(uint64_t)info.st_size > upload->size) {
		upload->at.ops->unlink(upload->at.root, upload->part);
		return pv_err_set(err,
			"what was received of object %.12s is not its beginning, and is removed",
			upload->id);
	}
	upload->received = (uint64_t)info.st_size;
	return pv_sha256_add_fd(upload->sum, upload->file, err);
}

static void release(struct pv_upload *upload)
{
	pv_sha256_free(upload->sum);
	if (upload->file >= 0)
		close(upload->file);
	if (upload->at.root >= 0)
		close(upload->at.root);
	upload->sum = NULL;
	upload->file = upload->at.root = -1;
}

static int start(struct pv_upload *upload, struct pv_err *err)
{
	upload->sum = pv_sha256_begin(err);
	if (!upload->sum)
		return -1;
	if (open_part(upload, err) == 0)
		return pv_space_check(upload->at.root, upload->size - upload->received, err);
	return -1;
}

enum pv_upload_state pv_object_begin(struct pv_storage storage, const char *object_id, uint64_t size,
	struct pv_upload *upload, struct pv_err *err)
{
	enum pv_upload_state state;

	*upload = (struct pv_upload){.file = -1, .size = size};
	if (!pv_sha256_is(object_id))
		return pv_err_set(err, "\"%.80s\" is not an object's id", object_id);
	memcpy(upload->id, object_id, sizeof(upload->id));
	snprintf(upload->part, sizeof(upload->part), PV_UPLOAD_PART "%s", object_id);
	upload->at = (struct pv_storage){pv_durable_mkdirs(storage, OBJECTS, err), storage.ops};
	if (upload->at.root < 0)
		return PV_UPLOAD_FAILED;
	state = judge_existing(upload->at, object_id, err);
	if (state == PV_UPLOAD_OPEN && start(upload, err) < 0)
		state = PV_UPLOAD_FAILED;
	if (state != PV_UPLOAD_OPEN)
		release(upload);
	return state;
}

int pv_object_append(struct pv_upload *upload, const void *bytes, size_t length, struct pv_err *err)
{
	if (length > upload->size - upload->received)
		return pv_err_set(
			err, "object %.12s has more than %" PRIu64 " bytes", upload->id, upload->size);
	/* Again, since others are on their way as well. */
	if (pv_space_check(upload->at.root, length, err) < 0) {
		errno = ENOSPC;
		return -1;
	}
	if (pv_durable_write_all(upload->at.ops, upload->file, bytes, length) < 0)
		return pv_err_errno(err, "object %.12s cannot be written", upload->id);
	upload->received += length;
	return pv_sha256_add(upload->sum, bytes, length, err);
}

static int judge_whole(struct pv_upload *upload, bool *is_wrong, struct pv_err *err)
{
	char hex[PV_SHA256_HEX + 1];
	struct pv_sha256 *sum = upload->sum;

	if (upload->received < upload->size)
		return pv_err_set(err, "object %.12s ends after %" PRIu64 " of %" PRIu64 " bytes",
			upload->id, upload->received, upload->size);
	upload->sum = NULL;
	if (pv_sha256_end(sum, hex, err) < 0)
		return -1;
	if (!strcmp(hex, upload->id))
		return 0;
	*is_wrong = true;
	upload->at.ops->unlink(upload->at.root, upload->part);
	return pv_err_set(err, "object %.12s has the sha256 %.12s...", upload->id, hex);
}

/* Its name is made durable with the revision that has it. */
static int name_it(struct pv_upload *upload, struct pv_err *err)
{
	const struct pv_fsops *ops = upload->at.ops;

	if (ops->sync_data(upload->file, PV_BARRIER_OBJECT_DATA) < 0) {
		pv_err_errno(err, "object %.12s cannot be made durable", upload->id);
		/* What the medium has of it cannot be known any more. */
		ops->unlink(upload->at.root, upload->part);
		return -1;
	}
	if (ops->rename(upload->at.root, upload->part, upload->id) < 0)
		return pv_err_errno(err, "object %.12s cannot get its name", upload->id);
	return 0;
}

int pv_object_finish(struct pv_upload *upload, bool *is_wrong, struct pv_err *err)
{
	bool wrong = false;
	int done = judge_whole(upload, &wrong, err);

	if (done == 0)
		done = name_it(upload, err);
	if (is_wrong)
		*is_wrong = wrong;
	release(upload);
	return done;
}

void pv_object_stop(struct pv_upload *upload)
{
	release(upload);
}
