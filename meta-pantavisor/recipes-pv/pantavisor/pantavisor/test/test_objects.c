/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include "alloc.h"
#include "beneath.h"
#include "log.h"
#include "sha256.h"
#include "strays.h"
#include "text.h"
#include "tree.h"

/* sha256 of "abc", FIPS 180-2. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const char text[] =
	"{\"#spec\":\"pantavisor-service-system@1\",\"_config/a/etc/build.json\":{\"allow\":[]},"
	"\"a/file\":\"" ABC "\",\"a/run.json\":{\"x\":[1,2]},\"a/src.json\":{},\"b/same\":\"" ABC "\"}";
static struct pv_err err;

static void begin(void)
{
	tree_begin();
	tree_file("objects/" ABC, "abc");
	tree_file("trails/0/_config/a/etc/build.json", "{\"allow\":[]}");
	tree_file("trails/0/a/run.json", "{\"x\":[1,2]}");
	tree_file("trails/0/a/src.json", "anything");
	tree_file("trails/0/.pvr/json", text);
	tree_file("trails/0/.pvr/config", "{}");
	tree_folder("trails/0/b");
	tree_hard_link("objects/" ABC, "trails/0/a/file");
	tree_hard_link("objects/" ABC, "trails/0/b/same");
}

static const struct pv_held *read_before;

static int check_with(bool repair, struct pv_held *held)
{
	cleanup_close int storage = pv_beneath_root(tree_root, &err);
	cleanup_close int trail = pv_beneath_open(storage, "trails/0", O_RDONLY | O_DIRECTORY, &err);
	struct pv_checkout checkout = {storage, trail, repair ? &pv_fsops_real : NULL, true, read_before};
	struct pv_state state;
	size_t objects;
	int done;

	CHECK(pv_state_parse(&state, text, strlen(text), &err) == 0);
	state.entries[1].is_volume = true;
	done = pv_objects_check(&checkout, &state, held, &objects, &err);
	if (!done && !held)
		done = pv_strays_refuse(&checkout, &state, &err);
	if (!done)
		CHECK(objects == 1);
	pv_state_free(&state);
	return done;
}

static void refuses(const char *why)
{
	CHECK(check_with(false, NULL) < 0);
	CHECK_HAS(err.text, why);
	CHECK(check_with(true, NULL) < 0);
	tree_end();
}

/* Of what runs: the file that was verified, and no other one under its name. */
static void test_a_known_object_is_not_read_again(void)
{
	struct pv_held first, again;

	begin();
	CHECK(check_with(false, &first) == 0 && first.count == 1);
	tree_file("objects/" ABC, "rot");
	CHECK(check_with(false, NULL) < 0);
	read_before = &first;
	CHECK(check_with(false, &again) == 0 && again.count == 1);
	pv_held_close(&again);
	tree_unlink("objects/" ABC);
	tree_unlink("trails/0/a/file");
	tree_unlink("trails/0/b/same");
	tree_file("objects/" ABC, "else");
	tree_hard_link("objects/" ABC, "trails/0/a/file");
	tree_hard_link("objects/" ABC, "trails/0/b/same");
	CHECK(check_with(false, NULL) < 0);
	CHECK_HAS(err.text, "is corrupt");
	read_before = NULL;
	pv_held_close(&first);
	tree_end();
}

static void test_what_is_missing_is_made_again(void)
{
	begin();
	tree_unlink("trails/0/b/same");
	tree_unlink("trails/0/a/run.json");
	CHECK(check_with(false, NULL) == 0 && !tree_has("trails/0/b/same"));
	CHECK(check_with(true, NULL) == 0 && tree_has("trails/0/b/same"));
	tree_check_text("trails/0/a/run.json", "{\"x\":[1,2]}");
	/* Again nothing is missing, and nothing else was left. */
	CHECK(check_with(false, NULL) == 0);
	tree_end();
}

static void test_a_copy_is_not_a_link(void)
{
	begin();
	tree_unlink("trails/0/b/same");
	tree_file("trails/0/b/same", "abc");
	refuses("object ba7816bf8f01 (b/same): is not what");
}

static void test_inline_text_must_be_that_of_the_state_to_the_byte(void)
{
	begin();
	tree_file("trails/0/a/run.json", "{\"x\":[1,2]}\n");
	refuses("a/run.json differs from the state");
	/* Only a part's own src.json and build.json are free. */
	begin();
	tree_file("trails/0/_config/a/etc/build.json", "{\"allow\":[\"*\"]}");
	refuses("_config/a/etc/build.json differs from the state");
	begin();
	tree_unlink("trails/0/_config/a/etc/build.json");
	tree_link("../../../a/src.json", "trails/0/_config/a/etc/build.json");
	refuses("a symbolic link is in the way");
}

static void test_damaged_and_missing_objects(void)
{
	cleanup_free char *path = NULL;
	cleanup_close int fd = -1;

	begin();
	path = tree_path("objects/" ABC);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* In place: the links stay as they are. */
	CHECK(pwrite(fd, "x", 1, 1) == 1);
	refuses("is corrupt");
	begin();
	tree_unlink("objects/" ABC);
	refuses("object ba7816bf8f01 (a/file): is missing");
}

static void test_nothing_stands_in_for_an_object(void)
{
	begin();
	tree_unlink("objects/" ABC);
	tree_folder("objects/" ABC);
	refuses("is not a regular file");
	begin();
	tree_unlink("objects/" ABC);
	tree_fifo("objects/" ABC);
	refuses("is not a regular file");
	begin();
	tree_unlink("objects/" ABC);
	tree_link("../trails/0/a/file", "objects/" ABC);
	refuses("is a symbolic link");
	begin();
	tree_move("objects", "elsewhere");
	tree_link("elsewhere", "objects");
	refuses("is a symbolic link, or reached through one");
}

static void test_links_in_a_revision_lead_nowhere(void)
{
	begin();
	tree_move("trails/0/b", "b");
	tree_link("../../b", "trails/0/b");
	refuses("b/same): its path cannot be opened");
	/* Nor is anything made behind one. */
	begin();
	tree_unlink("trails/0/b/same");
	tree_move("trails/0/b", "b");
	tree_link("../../b", "trails/0/b");
	CHECK(check_with(true, NULL) < 0 && !tree_has("b/same"));
	tree_end();
}

static void test_names_that_the_state_does_not_list(void)
{
	static const char *const names[] = {"stray", "a/stray", "_config/a/sbin/init", "_config/a/etc/x",
		"_sigs/more.json", "c/run.json", ".pvr/stray", ".pvr/new", ".pv/stray", ".pvr/objects/x",
		"a/run.json.pv-besides"};
	static const char *const known[] = {".pv/progress", ".pv/done", ".pv/logs/0/x", ".pv/pv-initrd.img",
		".pv/pv-initrd.img.0", ".pv/pv-initrd.img.12"};

	for (size_t i = 0; i < PV_COUNT(names); i++) {
		cleanup_free char *path = pv_fmt("trails/0/%s", names[i]);

		begin();
		tree_file(path, "");
		refuses("is not in the state");
	}
	begin();
	for (size_t i = 0; i < PV_COUNT(known); i++) {
		cleanup_free char *path = pv_fmt("trails/0/%s", known[i]);

		tree_file(path, "");
	}
	CHECK(check_with(false, NULL) == 0);
	tree_end();
	begin();
	tree_folder("trails/0/empty");
	refuses("empty is not in the state");
	begin();
	tree_folder("trails/0/a/file2");
	refuses("a/file2 is not in the state");
	begin();
	tree_folder("trails/0/.pv");
	tree_link("../../../objects/" ABC, "trails/0/.pv/pv-kernel.img");
	refuses(".pv/pv-kernel.img is not a regular file");
	begin();
	tree_fifo("trails/0/_config/a/hide");
	refuses("_config/a/hide is not in the state");
}

static void test_what_an_earlier_version_left_half_written_goes(void)
{
	begin();
	tree_file("trails/0/a/run.json.pv-beside", "{");
	CHECK(check_with(false, NULL) == 0 && tree_has("trails/0/a/run.json.pv-beside"));
	CHECK(check_with(true, NULL) == 0 && !tree_has("trails/0/a/run.json.pv-beside"));
	tree_end();
}

/* What was hashed is what is used, whatever happens to its name in between. */
static void test_held_objects_are_those_that_were_hashed(void)
{
	struct pv_held held;
	struct pv_state state;
	char byte;

	begin();
	CHECK(check_with(false, &held) == 0 && held.count == 1);
	tree_unlink("objects/" ABC);
	tree_file("objects/" ABC, "xyz");
	CHECK(pv_state_parse(&state, text, strlen(text), &err) == 0);
	CHECK(pv_held_find(&held, &state, "b/same", &err) == held.objects[0].fd);
	CHECK(pread(held.objects[0].fd, &byte, 1, 0) == 1 && byte == 'a');
	CHECK(pv_held_find(&held, &state, "a/run.json", &err) < 0);
	CHECK(pv_held_find(&held, &state, "none", &err) < 0);
	pv_held_close(&held);
	pv_state_free(&state);
	CHECK(check_with(false, &held) < 0 && !held.count);
	tree_end();
}

static void test_reading_verifies_what_it_reads(void)
{
	cleanup_free char *object = NULL, *inline_text = NULL, *none = NULL;
	cleanup_close int storage = -1;
	struct pv_state state;
	size_t length;

	begin();
	storage = pv_beneath_root(tree_root, &err);
	CHECK(pv_state_parse(&state, text, strlen(text), &err) == 0);
	CHECK(pv_objects_read(storage, &state, "a/file", 3, &object, &length, &err) == 0 && length == 3);
	CHECK_TEXT(object, "abc");
	CHECK(pv_objects_read(storage, &state, "a/run.json", 3, &inline_text, &length, &err) == 0);
	CHECK_TEXT(inline_text, "{\"x\":[1,2]}");
	CHECK(pv_objects_read(storage, &state, "a/file", 2, &none, &length, &err) < 0);
	CHECK(pv_objects_read(storage, &state, "a/none", 2, &none, &length, &err) < 0);
	tree_file("objects/" ABC, "abd");
	CHECK(pv_objects_read(storage, &state, "a/file", 3, &none, &length, &err) < 0);
	CHECK_HAS(err.text, "is corrupt");
	pv_state_free(&state);
	tree_end();
}

int main(void)
{
	pv_log_set_level(PV_LOG_ERROR);
	begin();
	CHECK(check_with(false, NULL) == 0);
	tree_end();
	test_a_known_object_is_not_read_again();
	test_what_is_missing_is_made_again();
	test_a_copy_is_not_a_link();
	test_inline_text_must_be_that_of_the_state_to_the_byte();
	test_damaged_and_missing_objects();
	test_nothing_stands_in_for_an_object();
	test_links_in_a_revision_lead_nowhere();
	test_names_that_the_state_does_not_list();
	test_what_an_earlier_version_left_half_written_goes();
	test_held_objects_are_those_that_were_hashed();
	test_reading_verifies_what_it_reads();
	return check_done();
}
