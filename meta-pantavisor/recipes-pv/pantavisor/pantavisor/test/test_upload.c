/* SPDX-License-Identifier: MIT */
#include "upload.h"

#include <fcntl.h>

#include "beneath.h"
#include "firmware.h"
#include "tree.h"

static const char content[] = "what the object holds";
static struct pv_err err;
static struct pv_storage at;
static char id[PV_SHA256_HEX + 1];

static void begin(void)
{
	tree_begin();
	at = pv_storage_at(pv_beneath_root(tree_root, &err));
	CHECK(pv_sha256_bytes(content, strlen(content), id, &err) == 0);
}

static void end(void)
{
	close(at.root);
	tree_end();
}

static void check_object(bool there, bool part)
{
	cleanup_free char *whole = pv_fmt("objects/%s", id), *beginning = pv_fmt("objects/.part-%s", id);

	CHECK(tree_has(whole) == there);
	CHECK(tree_has(beginning) == part);
	if (there)
		tree_check_text(whole, content);
}

static void test_an_object_gets_its_name_when_it_is_whole(void)
{
	struct pv_upload upload;

	begin();
	CHECK(pv_object_received(at.root, id) == 0);
	CHECK(pv_object_begin(at, id, strlen(content), &upload, &err) == PV_UPLOAD_OPEN);
	CHECK(pv_object_append(&upload, content, 5, &err) == 0);
	check_object(false, true);
	CHECK(pv_object_append(&upload, content + 5, strlen(content) - 5, &err) == 0);
	CHECK(pv_object_finish(&upload, NULL, &err) == 0);
	check_object(true, false);
	CHECK(pv_object_received(at.root, id) == strlen(content));
	CHECK(pv_object_begin(at, id, strlen(content), &upload, &err) == PV_UPLOAD_THERE);
	end();
}

static void test_an_upload_that_breaks_off_goes_on(void)
{
	struct pv_upload upload, other;

	begin();
	CHECK(pv_object_begin(at, id, strlen(content), &upload, &err) == PV_UPLOAD_OPEN);
	CHECK(pv_object_append(&upload, content, 5, &err) == 0);
	/* Not by two at once. */
	CHECK(pv_object_begin(at, id, strlen(content), &other, &err) == PV_UPLOAD_FAILED);
	CHECK_HAS(err.text, "is being sent by another connection");
	pv_object_stop(&upload);
	CHECK(pv_object_received(at.root, id) == 5);
	CHECK(pv_object_begin(at, id, strlen(content), &upload, &err) == PV_UPLOAD_OPEN);
	CHECK(upload.received == 5);
	CHECK(pv_object_append(&upload, content + 5, strlen(content) - 5, &err) == 0);
	CHECK(pv_object_finish(&upload, NULL, &err) == 0);
	check_object(true, false);
	end();
}

/* Another connection finishes between our opening of the part and its lock. */
static int create_and_lose(int folder, const char *name, int flags)
{
	int fd = pv_fsops_real.create(folder, name, flags);

	CHECK(fd >= 0 && pv_write_all(fd, content, strlen(content)) == 0);
	CHECK(pv_fsops_real.rename(folder, name, id) == 0);
	return fd;
}

static void test_nothing_is_added_to_an_object_that_has_its_name(void)
{
	struct pv_fsops ops = pv_fsops_real;
	struct pv_upload upload;

	begin();
	ops.create = create_and_lose;
	CHECK(pv_object_begin((struct pv_storage){at.root, &ops}, id, 100, &upload, &err) ==
		PV_UPLOAD_FAILED);
	CHECK_HAS(err.text, "was sent by another connection meanwhile");
	check_object(true, false);
	end();
}

/* Another connection finishes between our look for the object and our opening of the part. */
static int lose_and_create(int folder, const char *name, int flags)
{
	int fd = pv_fsops_real.create(folder, id, O_WRONLY);

	CHECK(fd >= 0 && pv_write_all(fd, content, strlen(content)) == 0);
	close(fd);
	return pv_fsops_real.create(folder, name, flags);
}

/* A revision may have it by its inode. */
static void test_nothing_takes_the_place_of_an_object(void)
{
	struct pv_fsops ops = pv_fsops_real;
	struct pv_upload upload;

	begin();
	ops.create = lose_and_create;
	CHECK(pv_object_begin((struct pv_storage){at.root, &ops}, id, strlen(content), &upload, &err) ==
		PV_UPLOAD_FAILED);
	CHECK_HAS(err.text, "was sent by another connection meanwhile");
	check_object(true, false);
	end();
}

static void test_what_is_wrong_never_gets_a_name(void)
{
	struct pv_upload upload;
	bool is_wrong = false;

	begin();
	CHECK(pv_object_begin(at, id, 3, &upload, &err) == PV_UPLOAD_OPEN);
	CHECK(pv_object_append(&upload, "abcd", 4, &err) < 0);
	CHECK_HAS(err.text, "has more than 3 bytes");
	CHECK(pv_object_append(&upload, "abc", 3, &err) == 0);
	CHECK(pv_object_finish(&upload, &is_wrong, &err) < 0 && is_wrong);
	check_object(false, false);
	CHECK(pv_object_begin(at, id, 30, &upload, &err) == PV_UPLOAD_OPEN);
	CHECK(pv_object_append(&upload, content, 5, &err) == 0);
	CHECK(pv_object_finish(&upload, &is_wrong, &err) < 0 && !is_wrong);
	CHECK_HAS(err.text, "ends after 5 of 30 bytes");
	check_object(false, true);
	/* A part that cannot be its beginning goes, and the next one begins anew. */
	CHECK(pv_object_begin(at, id, 4, &upload, &err) == PV_UPLOAD_FAILED);
	check_object(false, false);
	CHECK(pv_object_begin(at, "../trails/0", 4, &upload, &err) == PV_UPLOAD_FAILED);
	CHECK(pv_object_begin(at, id, UINT64_MAX / 2, &upload, &err) == PV_UPLOAD_FAILED);
	CHECK_HAS(err.text, "Space required");
	end();
}

static void test_a_damaged_object_comes_again_unless_a_revision_has_it(void)
{
	cleanup_free char *path = NULL;
	struct pv_upload upload;

	begin();
	path = pv_fmt("objects/%s", id);
	tree_file(path, "damaged");
	CHECK(pv_object_begin(at, id, strlen(content), &upload, &err) == PV_UPLOAD_OPEN);
	CHECK(pv_object_append(&upload, content, strlen(content), &err) == 0);
	CHECK(pv_object_finish(&upload, NULL, &err) == 0);
	check_object(true, false);
	tree_file(path, "damaged");
	tree_folder("trails/0");
	tree_hard_link(path, "trails/0/file");
	CHECK(pv_object_begin(at, id, strlen(content), &upload, &err) == PV_UPLOAD_FAILED);
	CHECK_HAS(err.text, "is damaged, and a revision has it");
	end();
}

static void test_no_link_leads_elsewhere(void)
{
	struct pv_upload upload;
	cleanup_free char *part = NULL;

	begin();
	tree_file("secret", "secret");
	part = pv_fmt("objects/.part-%s", id);
	tree_folder("objects");
	tree_link("../secret", part);
	CHECK(pv_object_begin(at, id, 10, &upload, &err) == PV_UPLOAD_FAILED);
	tree_unlink(part);
	tree_hard_link("secret", part);
	CHECK(pv_object_begin(at, id, 10, &upload, &err) == PV_UPLOAD_FAILED);
	tree_check_text("secret", "secret");
	end();
}

int main(void)
{
	test_an_object_gets_its_name_when_it_is_whole();
	test_an_upload_that_breaks_off_goes_on();
	test_nothing_is_added_to_an_object_that_has_its_name();
	test_nothing_takes_the_place_of_an_object();
	test_what_is_wrong_never_gets_a_name();
	test_a_damaged_object_comes_again_unless_a_revision_has_it();
	test_no_link_leads_elsewhere();
	return check_done();
}
