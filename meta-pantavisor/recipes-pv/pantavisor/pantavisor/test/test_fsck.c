/* SPDX-License-Identifier: MIT */
/* The real e2fsck, on images that no kernel mounts. */
#include "fsck.h"

#include <fcntl.h>
#include <unistd.h>

#include "superblock.h"
#include "tree.h"

#define BLOCK 4096
#define DESCRIPTOR_CHECKSUM                                                           \
	(BLOCK + 0x1e) /* of the first group; the descriptors are in the second block \
			*/

static int run(const char *words, const char *image)
{
	cleanup_free char *command = pv_fmt("PATH=$PATH:/usr/sbin:/sbin %s >/dev/null 2>&1", words);
	cleanup_free char *whole = pv_fmt("image=%s; %s", image, command);

	return system(whole);
}

static void damage(const char *image, off_t at)
{
	cleanup_close int fd = open(image, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	CHECK(pread(fd, &byte, 1, at) == 1);
	byte ^= 0xff;
	CHECK(pwrite(fd, &byte, 1, at) == 1);
}

/* The caller frees its path. */
static char *make(const char *words)
{
	char *image = tree_path("image");

	CHECK(run(words, image) == 0);
	return image;
}

static void test_what_is_damaged_is_repaired(void)
{
	cleanup_free char *image = NULL;
	struct pv_err err = {0};

	tree_begin();
	image = make("mke2fs -q -F -t ext4 -b 4096 $image 16M");
	CHECK(pv_fsck_is_there());
	CHECK(pv_fsck_repair(image, &err) == 0);
	damage(image, DESCRIPTOR_CHECKSUM);
	CHECK(run("e2fsck -fn $image", image) != 0);
	CHECK(pv_fsck_repair(image, &err) == 0);
	CHECK(run("e2fsck -fn $image", image) == 0);
	tree_end();
}

static void test_what_is_none_is_refused_with_its_status(void)
{
	cleanup_free char *image = NULL;
	struct pv_err err = {0};

	tree_begin();
	image = make("truncate -s 16M $image");
	CHECK(pv_fsck_repair(image, &err) < 0);
	CHECK(strstr(err.text, "e2fsck did not repair") && strstr(err.text, "status 8"));
	CHECK_TEXT(err.hint, "run e2fsck on it from another system, or write the image again");
	tree_end();
}

static void test_what_the_kernel_noted_is_seen(void)
{
	unsigned char bytes[PV_SUPERBLOCK_BYTES] = {[0x38] = 0x53, [0x39] = 0xef, [0x3a] = 1};
	struct pv_superblock superblock;

	CHECK(pv_superblock_parse(&superblock, bytes, sizeof(bytes)) && !superblock.has_errors);
	bytes[0x3a] = 3;
	CHECK(pv_superblock_parse(&superblock, bytes, sizeof(bytes)) && superblock.has_errors);
}

int main(void)
{
	test_what_is_damaged_is_repaired();
	test_what_is_none_is_refused_with_its_status();
	test_what_the_kernel_noted_is_seen();
	return 0;
}
