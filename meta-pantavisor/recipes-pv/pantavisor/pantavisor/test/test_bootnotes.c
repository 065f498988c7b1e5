/* SPDX-License-Identifier: MIT */
#include "bootnotes.h"

#include "beneath.h"
#include "check.h"
#include "tree.h"

static int begin(struct pv_err *err)
{
	tree_begin();
	tree_folder("boot");
	return pv_beneath_root(tree_root, err);
}

/* Of the size that GRUB writes. */
static void block_file(const char *path, const char *lines)
{
	char block[PV_BOOTENV_BYTES + 1] = "";

	memset(block, '#', sizeof(block) - 1);
	memcpy(block, lines, strlen(lines));
	tree_file(path, block);
}

static void notes_file(const char *lines)
{
	block_file("boot/grubtry", lines);
}

/* One that GRUB can write to, which begins with these lines alone. */
static void check_made(int storage, const struct pv_bootenv *env, const char *lines)
{
	cleanup_free char *whole = tree_path("boot/grubtry"), *text = NULL,
			  *begin = pv_fmt("# GRUB Environment Block\n%s###", lines);
	struct stat info;
	struct pv_err err;
	size_t length;

	CHECK(pv_bootnotes_make(pv_storage_at(storage), env, &err) == 0);
	CHECK(lstat(whole, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1);
	CHECK(pv_read_file(whole, PV_BOOTENV_BYTES, &text, &length, &err) == 0 &&
		length == PV_BOOTENV_BYTES);
	CHECK(pv_starts_with(text, begin));
}

static void test_boots_are_counted_for_one_generation(struct pv_err *err)
{
	int storage = begin(err);
	const struct pv_bootenv env = {.generation = 5, .revision = "0"}, next = {.generation = 6},
				others = {.revision = "0"}, trying = {.revision = "0", .tried = "1"};

	CHECK(pv_bootnotes_boots(storage, &env) == 0);
	notes_file("# GRUB Environment Block\npv_fails=5:xx\n");
	CHECK(pv_bootnotes_boots(storage, &env) == 2 && pv_bootnotes_boots(storage, &next) == 0);
	/* Of other tools, without generations: the boots before a try say nothing of it. */
	notes_file("# GRUB Environment Block\npv_fails=:x\n");
	CHECK(pv_bootnotes_boots(storage, &others) == 1 && pv_bootnotes_boots(storage, &trying) == 0);
	notes_file("# GRUB Environment Block\npv_fails=1:x\n");
	CHECK(pv_bootnotes_boots(storage, &trying) == 1);
	close(storage);
	tree_end();
}

/* Where its own block took none. Else boots that were good would add up to three that were not. */
static void test_boots_that_grub_counted_in_a_copy_are_counted(struct pv_err *err)
{
	int storage = begin(err);
	struct pv_bootenv env = {.generation = 5, .revision = "0"};

	block_file(
		"boot/grubenv2", "# GRUB Environment Block\npv_gen=5\npv_rev=0\npv_end=5\npv_fails=5:xx\n");
	CHECK(pv_bootnotes_boots(storage, &env) == 2);
	notes_file("# GRUB Environment Block\npv_fails=5:x\n");
	CHECK(pv_bootnotes_boots(storage, &env) == 2);
	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0);
	CHECK(env.generation == 6 && pv_bootnotes_boots(storage, &env) == 0);
	block_file(
		"boot/grubenv", "# GRUB Environment Block\npv_gen=6\npv_rev=0\npv_end=6\npv_fails=6:x\n");
	CHECK(pv_bootnotes_boots(storage, &env) == 1);
	close(storage);
	tree_end();
}

static void test_notes_are_made_where_grub_could_not_write_them(struct pv_err *err)
{
	int storage = begin(err);
	const struct pv_bootenv env = {.generation = 5, .revision = "0"};

	check_made(storage, &env, "");
	/* GRUB's own are never touched. */
	notes_file("# GRUB Environment Block\npv_fails=5:xx\n");
	check_made(storage, &env, "pv_fails=5:xx\n");
	tree_hard_link("boot/grubtry", "other");
	check_made(storage, &env, "pv_fails=5:xx\n");
	tree_file("boot/grubtry",
		"# GRUB Environment Block\npv_trying=4\npv_fails=5:x\npv_last=locals/a.b-c_d\n");
	check_made(storage, &env, "pv_trying=4\npv_fails=5:x\npv_last=locals/a.b-c_d\n");
	tree_file("boot/grubtry", "# GRUB Environment Block\npv_last=\\\npv_fails=5:x\n");
	check_made(storage, &env, "pv_fails=5:x\n");
	{
		/* To the last byte, of which nothing is ours. */
		cleanup_free char *full = pv_fmt("# GRUB Environment Block\npv_fails=5:x\nfill=%0*d\n",
			PV_BOOTENV_BYTES - 25 - 13 - 6, 0);

		notes_file(full);
		check_made(storage, &env, "pv_fails=5:x\n");
	}
	notes_file("! GRUB Environment Block\npv_fails=5:xx\n");
	check_made(storage, &env, "");
	tree_unlink("boot/grubtry");
	tree_link("grubenv", "boot/grubtry");
	check_made(storage, &env, "");
	close(storage);
	tree_end();
}

/* What is behind the block is read by GRUB, too. */
static void test_notes_that_are_longer_than_the_block_stay(struct pv_err *err)
{
	int storage = begin(err);
	cleanup_free char *whole = tree_path("boot/grubtry");
	const struct pv_bootenv env = {.generation = 5, .revision = "0"};

	notes_file("# GRUB Environment Block\npv_trying=4\n");
	{
		cleanup_close int fd = open(whole, O_WRONLY | O_APPEND | O_CLOEXEC);

		CHECK(fd >= 0 && pv_write_all(fd, "\npv_fails=5:xx\n", 15) == 0);
	}
	check_made(storage, &env, "pv_trying=4\npv_fails=5:xx\n");
	close(storage);
	tree_end();
}

/* It is not made a second time because what noted it is lost. */
static void test_try_whose_note_is_lost_was_made(struct pv_err *err)
{
	int storage = begin(err);
	const struct pv_bootenv env = {.generation = 5, .revision = "0", .tried = "locals/next"},
				others = {.revision = "0", .tried = "locals/next"};

	check_made(storage, &env, "pv_trying=5\n");
	tree_unlink("boot/grubtry");
	check_made(storage, &others, "pv_trying=locals/next\n");
	/* But one that was noted last is still to come. */
	tree_file("boot/grubtry", "# GRUB Environment Block\npv_trying=4\n");
	check_made(storage, &env, "pv_trying=4\n");
	close(storage);
	tree_end();
}

int main(void)
{
	struct pv_err err;

	test_boots_are_counted_for_one_generation(&err);
	test_boots_that_grub_counted_in_a_copy_are_counted(&err);
	test_notes_are_made_where_grub_could_not_write_them(&err);
	test_notes_that_are_longer_than_the_block_stay(&err);
	test_try_whose_note_is_lost_was_made(&err);
	return check_done();
}
