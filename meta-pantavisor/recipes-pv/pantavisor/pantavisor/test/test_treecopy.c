/* SPDX-License-Identifier: MIT */
/* A copy takes no more room than it is given, whatever the image holds. */
#include "treecopy.h"

#include "beneath.h"
#include "tree.h"

static int copy(uint64_t bytes, uint64_t entries, struct pv_err *err)
{
	cleanup_free char *from_path = tree_path("from"), *to_path = tree_path("to");
	struct pv_tree_room room = {bytes, entries};
	cleanup_close int from = -1, to = -1;

	tree_folder("to");
	from = pv_beneath_root(from_path, err);
	to = pv_beneath_root(to_path, err);
	return pv_tree_copy(from, pv_storage_at(to), &room, err);
}

static void empty(void)
{
	cleanup_free char *path = tree_path("to");

	nftw(path, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_all_of_it_fits(void)
{
	struct pv_err err;

	CHECK(copy(9, 4, &err) == 0);
	empty();
}

static void test_bytes_and_files_are_counted(void)
{
	struct pv_err err;

	CHECK(copy(8, 4, &err) < 0);
	CHECK_HAS(err.text, "there is no room for it");
	empty();
	CHECK(copy(9, 3, &err) < 0);
	CHECK_HAS(err.text, "0 files are left");
	empty();
}

/* A file without blocks is as long as it says. */
static void test_hole_is_counted(void)
{
	cleanup_free char *path = tree_path("from/hole");
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct pv_err err;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)1 << 40) == 0);
	CHECK(copy(1024 * 1024, 100, &err) < 0);
	CHECK_HAS(err.text, "hole: there is no room for it");
	empty();
}

int main(void)
{
	tree_begin();
	tree_file("from/a", "four");
	tree_file("from/b/c", "five!");
	tree_link("a", "from/link");
	test_all_of_it_fits();
	test_bytes_and_files_are_counted();
	test_hole_is_counted();
	tree_end();
	return check_done();
}
