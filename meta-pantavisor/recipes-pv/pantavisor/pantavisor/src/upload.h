/* SPDX-License-Identifier: MIT */
/*
 * An object on its way in: objects/.part-<id> until it is whole, durable and has the sha256 that names it.
 * A connection that breaks leaves the part, from whose end the next one goes on. What is there already is
 * never written again.
 */
#ifndef PV_UPLOAD_H
#define PV_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "fsops.h"
#include "sha256.h"

#define PV_UPLOAD_PART ".part-"

struct pv_upload {
	struct pv_storage at; /* the folder of the objects */
	char id[PV_SHA256_HEX + 1];
	char part[sizeof(PV_UPLOAD_PART) + PV_SHA256_HEX];
	int file;
	struct pv_sha256 *sum;
	uint64_t size, received;
};

enum pv_upload_state { PV_UPLOAD_FAILED = -1, PV_UPLOAD_OPEN, PV_UPLOAD_THERE };

/* How much of it is there: its whole size, that of a part, or 0. */
uint64_t pv_object_received(int storage, const char *object_id);
/* `size` is that of the whole object; what was received before is read once, for its sum. After
 * PV_UPLOAD_OPEN the upload goes on from `received`, and is to be ended by one of the last two. */
enum pv_upload_state pv_object_begin(struct pv_storage storage, const char *object_id, uint64_t size,
	struct pv_upload *upload, struct pv_err *err);
int pv_object_append(struct pv_upload *upload, const void *bytes, size_t length, struct pv_err *err);
/* Gives it its name. One that is whole and wrong is removed; `is_wrong` may be NULL. */
int pv_object_finish(struct pv_upload *upload, bool *is_wrong, struct pv_err *err);
/* The part stays. */
void pv_object_stop(struct pv_upload *upload);

#endif
