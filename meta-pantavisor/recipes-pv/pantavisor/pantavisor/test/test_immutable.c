/* SPDX-License-Identifier: MIT */
/* A real ext4, on which a container made files that cannot be removed: chattr +i and +a, as its capability
 * linux_immutable lets it. */
#include "durable.h"
#include "ext4.h"

static void set_flag(const char *path, int flag)
{
	cleanup_free char *whole = tree_path(path);
	cleanup_close int fd = open(whole, O_RDONLY | O_CLOEXEC);
	int flags = 0;

	CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
	flags |= flag;
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
}

static void test_tree_of_them_is_removed(int root)
{
	struct pv_err err = {0};

	tree_file("place/dead/volume/fixed/deeper/file", "x");
	tree_file("place/dead/volume/log", "x");
	set_flag("place/dead/volume/fixed/deeper/file", FS_IMMUTABLE_FL);
	set_flag("place/dead/volume/fixed/deeper", FS_APPEND_FL);
	set_flag("place/dead/volume/fixed", FS_IMMUTABLE_FL);
	set_flag("place/dead/volume/log", FS_APPEND_FL);
	CHECK(pv_durable_remove_tree(pv_storage_at(root), "dead", &err) == 0);
	CHECK_TEXT(err.text, "");
	CHECK(!tree_has("place/dead"));
}

int main(void)
{
	int root;

	world_begin();
	root = ext4_mount();
	test_tree_of_them_is_removed(root);
	close(root);
	return check_done();
}
