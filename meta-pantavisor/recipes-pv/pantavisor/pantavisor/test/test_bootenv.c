/* SPDX-License-Identifier: MIT */
#include "bootenv.h"

#include <sys/stat.h>

#include "beneath.h"
#include "check.h"
#include "tree.h"

static bool parse_grub(const char *lines, struct pv_bootenv *env)
{
	char block[PV_BOOTENV_BYTES];
	int used;

	memset(block, '#', sizeof(block));
	used = snprintf(block, sizeof(block), "# GRUB Environment Block\n%s", lines);
	block[used] = '#';
	return pv_bootenv_parse(PV_BOOTENV_GRUB, block, sizeof(block), env);
}

static void test_values_are_read_by_their_whole_name_and_the_last_one_counts(void)
{
	struct pv_bootenv env;

	CHECK(parse_grub("pv_rev=0\npv_try=locals/x\n", &env));
	CHECK_TEXT(env.revision, "0");
	CHECK_TEXT(env.tried, "locals/x");
	CHECK(parse_grub("pv_trying=1\npv_rev=0\n", &env) && !*env.tried);
	/* Which of two counts is the same for the boot loaders and for us. */
	CHECK(parse_grub("pv_rev=0\npv_try=1\npv_try=2\n", &env));
	CHECK_TEXT(env.tried, "2");
	CHECK(parse_grub("pv_rev=0\npv_try=1\npv_try=\n", &env) && !*env.tried);
	/* Not names of revisions. */
	CHECK(parse_grub("pv_rev=0\npv_try=x init=/bin/evil\npv_prev=../x\n", &env));
	CHECK(!*env.tried && !*env.previous);
	CHECK(!parse_grub("pv_rev=a b\n", &env) && !parse_grub("", &env));
}

static void test_published_uboot_files_are_read(void)
{
	static const char block[] = "pv_revx=7\0pv_rev=0\0pv_try=\0\0pv_try=3\0";
	char padded[2000] = "a=b", huge[600];
	struct pv_bootenv env;

	CHECK(pv_bootenv_parse(PV_BOOTENV_UBOOT, block, sizeof(block), &env));
	CHECK_TEXT(env.revision, "0");
	CHECK(!*env.tried && !env.generation);
	CHECK(pv_bootenv_parse(PV_BOOTENV_UBOOT, "pv_rev=0\0\0\0", 11, &env));
	/* What stands behind the first 1024 bytes does not count. */
	memcpy(padded + 1500, "pv_rev=9", 9);
	CHECK(!pv_bootenv_parse(PV_BOOTENV_UBOOT, padded, sizeof(padded), &env));
	memset(huge, 'x', sizeof(huge));
	memcpy(huge, "pv_rev=", 7);
	CHECK(!pv_bootenv_parse(PV_BOOTENV_UBOOT, huge, sizeof(huge), &env));
	CHECK(!pv_bootenv_parse(PV_BOOTENV_GRUB, "pv_rev=0\n", 9, &env));
	CHECK(!pv_bootenv_parse(PV_BOOTENV_GRUB, "", 0, &env));
}

static void test_torn_copy_does_not_count(void)
{
	struct pv_bootenv env;

	CHECK(parse_grub("pv_gen=4\npv_rev=1\npv_end=4\n", &env) && env.generation == 4);
	CHECK(!parse_grub("pv_gen=5\npv_rev=1\npv_end=4\n", &env));
	CHECK(!parse_grub("pv_gen=5\npv_rev=1\n", &env) && !parse_grub("pv_rev=1\npv_end=4\n", &env));
	CHECK(!parse_grub("pv_gen=x\npv_rev=1\npv_end=x\n", &env));
	/* GRUB would count its boots of 05, and we those of 5. */
	CHECK(!parse_grub("pv_gen=05\npv_rev=1\npv_end=05\n", &env));
	CHECK(!parse_grub("pv_gen=0\npv_rev=1\npv_end=0\n", &env));
}

static bool parse_grub_of(const char *first, const char *last)
{
	cleanup_free char *lines = pv_fmt("pv_gen=%s\npv_rev=1\npv_end=%s\n", first, last);
	struct pv_bootenv env;

	return parse_grub(lines, &env);
}

/* To GRUB and to pvr a number without end is one that does not count, and not a number that is missing. */
static void test_generation_that_is_too_long_does_not_count(void)
{
	for (int digits = 17; digits < 300; digits++) {
		char number[300] = "";

		memset(number, '7', (size_t)digits);
		CHECK(parse_grub_of(number, number) == (digits < 19));
		CHECK(!parse_grub_of(number, "") && !parse_grub_of("", number));
	}
}

/* GRUB takes the last value of a name, wherever in the file. */
static void test_grub_reads_what_is_behind_the_block(void)
{
	char longer[2 * PV_BOOTENV_BYTES];
	struct pv_bootenv env;

	memset(longer, '#', sizeof(longer));
	memcpy(longer, "# GRUB Environment Block\npv_rev=1\n", 34);
	memcpy(longer + PV_BOOTENV_BYTES, "\npv_rev=2\n", 10);
	CHECK(pv_bootenv_parse(PV_BOOTENV_GRUB, longer, sizeof(longer), &env));
	CHECK_TEXT(env.revision, "2");
}

static void test_rendered_block_reads_back_within_its_first_sector(void)
{
	for (int kind = PV_BOOTENV_GRUB; kind <= PV_BOOTENV_UBOOT; kind++) {
		struct pv_bootenv env = {.generation = PV_BOOTENV_GENERATION,
					  .faults = 99,
					  .longest_s = PV_BOOTENV_LONGEST_S},
				  back;
		char block[PV_BOOTENV_BYTES], longest[PV_REVISION_BYTES + 1] = "locals/";

		memset(longest + 7, 'a', 64);
		memcpy(env.revision, longest, sizeof(longest));
		memcpy(env.tried, longest, sizeof(longest));
		memcpy(env.previous, longest, sizeof(longest));
		pv_bootenv_render((enum pv_bootenv_kind)kind, &env, block);
		CHECK(pv_bootenv_parse((enum pv_bootenv_kind)kind, block, 512, &back));
		CHECK(!memcmp(&env, &back, sizeof(env)));
	}
}

static int begin(struct pv_err *err)
{
	tree_begin();
	tree_folder("boot");
	return pv_beneath_root(tree_root, err);
}

static void test_store_writes_both_copies_in_place(struct pv_err *err)
{
	int storage = begin(err);
	struct pv_bootenv env = {.revision = "0"}, back;
	struct stat first, again;

	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0 &&
		env.generation == 1);
	CHECK(fstatat(storage, "boot/grubenv", &first, 0) == 0 && first.st_size == PV_BOOTENV_BYTES);
	snprintf(env.tried, sizeof(env.tried), "7");
	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0);
	CHECK(fstatat(storage, "boot/grubenv", &again, 0) == 0 && first.st_ino == again.st_ino);
	/* Either copy is enough. */
	tree_file("boot/grubenv", "# GRUB Environment Block\npv_gen=3\npv_rev=9\n");
	pv_bootenv_load(storage, PV_BOOTENV_GRUB, &back);
	CHECK_TEXT(back.tried, "7");
	CHECK(back.generation == 2);
	/* What was only in the torn one is not lost behind an older generation. */
	back.generation = 0;
	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &back, err) == 0 &&
		back.generation == 3);
	close(storage);
	tree_end();
}

static bool is_own(int storage, const char *path)
{
	struct stat info;

	return fstatat(storage, path, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
	       info.st_nlink == 1 && info.st_size == PV_BOOTENV_BYTES;
}

static void append(const char *path, const char *text)
{
	cleanup_free char *whole = tree_path(path);
	cleanup_close int fd = open(whole, O_WRONLY | O_APPEND | O_CLOEXEC);

	CHECK(fd >= 0 && pv_write_all(fd, text, strlen(text)) == 0);
}

static void check_stored(int storage, struct pv_err *err)
{
	struct pv_bootenv env = {.revision = "7"}, back;

	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0);
	CHECK(is_own(storage, "boot/grubenv") && is_own(storage, "boot/grubenv2"));
	pv_bootenv_load(storage, PV_BOOTENV_GRUB, &back);
	CHECK_TEXT(back.revision, "7");
}

/* What else has the name or the bytes is not written to: an object that was verified, for one. */
static void test_copy_that_is_not_a_file_of_its_own_is_made_anew(struct pv_err *err)
{
	int storage = begin(err);
	struct pv_bootenv env = {.revision = "0"};
	struct stat secret;

	tree_file("secret", "x");
	tree_link("../secret", "boot/grubenv");
	tree_fifo("boot/grubenv2");
	check_stored(storage, err);
	tree_unlink("boot/grubenv");
	tree_hard_link("secret", "boot/grubenv");
	check_stored(storage, err);
	/* One block is not two copies. */
	tree_unlink("boot/grubenv2");
	tree_hard_link("boot/grubenv", "boot/grubenv2");
	check_stored(storage, err);
	CHECK(fstatat(storage, "secret", &secret, 0) == 0 && secret.st_size == 1);
	/* Behind the block GRUB would find another value. */
	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0);
	append("boot/grubenv", "\npv_rev=9\n");
	check_stored(storage, err);
	close(storage);
	tree_end();
}

/* A link to another directory, or a file, has the name. */
static void test_directory_of_the_copies_is_one_of_its_own(struct pv_err *err)
{
	int storage = begin(err);
	struct stat info;

	tree_folder("other");
	for (int i = 0; i < 2; i++) {
		cleanup_free char *folder = tree_path("boot");

		CHECK(fstatat(storage, "boot/grubenv", &info, AT_SYMLINK_NOFOLLOW) < 0 &&
			rmdir(folder) == 0);
		if (i)
			tree_file("boot", "x");
		else
			tree_link("other", "boot");
		check_stored(storage, err);
		tree_unlink("boot/grubenv");
		tree_unlink("boot/grubenv2");
	}
	CHECK(fstatat(storage, "other/grubenv", &info, 0) < 0);
	close(storage);
	tree_end();
}

/* What other tools wrote may have any number; the next one must be read by GRUB, and by us. */
static void test_generation_after_the_last_one_is_read(struct pv_err *err)
{
	int storage = begin(err);
	struct pv_bootenv env = {.generation = PV_BOOTENV_GENERATION, .revision = "7"}, back;

	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0);
	pv_bootenv_load(storage, PV_BOOTENV_GRUB, &back);
	CHECK_TEXT(back.revision, "7");
	CHECK(back.generation == 1 && env.generation == 1);
	/* On boards whose long has 32 bits, too. */
	env.generation = 99999999999;
	CHECK(pv_bootenv_store(pv_storage_at(storage), PV_BOOTENV_GRUB, &env, err) == 0);
	pv_bootenv_load(storage, PV_BOOTENV_GRUB, &back);
	CHECK(back.generation == 100000000000);
	close(storage);
	tree_end();
}

static void test_faults_are_a_count_and_a_time(void)
{
	static const char *const none[] = {
		"2", ":", "2:", ":5", "-1:5", "2:5x", "2 :5", "100:5", "2:1000000000", "x"};
	struct pv_bootenv env;

	CHECK(parse_grub("pv_rev=7\npv_lost=2:3600\n", &env) && env.faults == 2 && env.longest_s == 3600);
	CHECK(parse_grub("pv_rev=7\n", &env) && !env.faults && !env.longest_s);
	for (size_t i = 0; i < PV_COUNT(none); i++) {
		cleanup_free char *lines = pv_fmt("pv_rev=7\npv_lost=%s\n", none[i]);

		CHECK(parse_grub(lines, &env) && !env.faults && !env.longest_s);
	}
}

int main(void)
{
	struct pv_err err;

	test_values_are_read_by_their_whole_name_and_the_last_one_counts();
	test_published_uboot_files_are_read();
	test_torn_copy_does_not_count();
	test_generation_that_is_too_long_does_not_count();
	test_grub_reads_what_is_behind_the_block();
	test_rendered_block_reads_back_within_its_first_sector();
	test_store_writes_both_copies_in_place(&err);
	test_copy_that_is_not_a_file_of_its_own_is_made_anew(&err);
	test_directory_of_the_copies_is_one_of_its_own(&err);
	test_generation_after_the_last_one_is_read(&err);
	test_faults_are_a_count_and_a_time();
	return check_done();
}
