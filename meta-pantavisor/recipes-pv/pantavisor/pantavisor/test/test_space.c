/* SPDX-License-Identifier: MIT */
/* What is kept free, on a file system that is small enough to be filled. */
#include "space.h"

#include <sys/statvfs.h>

#include "beneath.h"
#include "upload.h"
#include "world.h"

static struct pv_err err;

/* Each of the objects would fit alone. */
static void test_uploads_side_by_side_leave_the_reserve(int storage)
{
	static const char piece[64 * 1024];
	struct pv_upload uploads[4];
	struct statvfs info;
	bool is_full = false;

	for (size_t i = 0; i < PV_COUNT(uploads); i++) {
		char id[PV_SHA256_HEX + 1] = "";

		memset(id, 'a' + (int)i, PV_SHA256_HEX);
		CHECK(pv_object_begin(pv_storage_at(storage), id, 3 << 20, &uploads[i], &err) ==
			PV_UPLOAD_OPEN);
	}
	for (size_t i = 0; !is_full && i < 1000; i++)
		is_full = pv_object_append(&uploads[i % PV_COUNT(uploads)], piece, sizeof(piece), &err) < 0;
	/* The words and the number that make it a 507. */
	CHECK(is_full && errno == ENOSPC);
	CHECK_HAS(err.text, "Space required");
	CHECK(fstatvfs(storage, &info) == 0);
	CHECK(info.f_bavail >= info.f_blocks / 100 * PV_SPACE_RESERVED_PERCENT);
	for (size_t i = 0; i < PV_COUNT(uploads); i++)
		pv_object_stop(&uploads[i]);
}

int main(void)
{
	cleanup_close int storage = -1;

	world_begin();
	world_need(mount("tmpfs", WORLD_ROOT, "tmpfs", 0, "size=4m") == 0, "a small tmpfs");
	storage = pv_beneath_root(WORLD_ROOT, &err);
	CHECK(storage >= 0 && pv_space_check(storage, 3 << 20, &err) == 0);
	CHECK(pv_space_check(storage, 4 << 20, &err) < 0);
	test_uploads_side_by_side_leave_the_reserve(storage);
	return check_done();
}
