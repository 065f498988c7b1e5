/* SPDX-License-Identifier: MIT */
#include "beneath.h"

#include <errno.h>

#include "alloc.h"
#include "file.h"
#include "tree.h"

static struct pv_err err;

/* Every way out that a tree can hold; the outside is beside the root. */
static void make_hostile(void)
{
	tree_file("outside/secret", "secret");
	tree_file("root/good/file", "good");
	tree_file("root/empty", "");
	tree_link("../outside", "root/relative");
	tree_link("good", "root/harmless");
	tree_link("/etc", "root/absolute");
	tree_link("../../outside/secret", "root/good/link");
	tree_link("loop", "root/loop");
	tree_link("/proc/self/root", "root/magic");
	tree_fifo("root/fifo");
}

static void test_nothing_leads_out(int root)
{
	static const char *const links[] = {"relative/secret", "relative", "absolute/passwd", "absolute",
		"good/link", "loop", "magic/etc/passwd", "harmless/file"};
	static const char *const ways[] = {
		"..", "../outside/secret", "good/../../outside/secret", "/etc/passwd"};
	static const int flags[] = {O_RDONLY, O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY | O_DIRECTORY};

	for (size_t i = 0; i < PV_COUNT(links); i++)
		for (size_t f = 0; f < PV_COUNT(flags); f++) {
			bool is_last = !strchr(links[i], '/') || !strcmp(links[i], "good/link");
			cleanup_close int fd = pv_beneath_try(root, links[i], flags[f]);
			struct stat info;

			/* The link itself may be looked at. */
			if (is_last && flags[f] == (O_PATH | O_NOFOLLOW))
				CHECK(fd >= 0 && fstat(fd, &info) == 0 && S_ISLNK(info.st_mode));
			else
				CHECK(fd == -ELOOP);
		}
	/* Nothing is made here. */
	CHECK(pv_beneath_try(root, "fresh", O_WRONLY | O_CREAT) == -EINVAL && !tree_has("root/fresh"));
	for (size_t i = 0; i < PV_COUNT(ways); i++)
		CHECK(pv_beneath_try(root, ways[i], O_RDONLY) == -EXDEV);
	CHECK(pv_beneath_open(root, "relative/secret", O_RDONLY, &err) < 0);
	CHECK_HAS(err.text, "cannot open relative/secret: a symbolic link is in the way");
}

static void test_reading(int root)
{
	cleanup_free char *text = NULL, *none = NULL;
	size_t length;

	CHECK(pv_beneath_read(root, "good/file", 4, &text, &length, &err) == 0 && length == 4);
	CHECK_TEXT(text, "good");
	CHECK(pv_beneath_read(root, "good/file", 3, &none, &length, &err) < 0);
	CHECK_HAS(err.text, "good/file has more than 3 bytes");
	CHECK(pv_beneath_read(root, "good", 9, &none, &length, &err) < 0);
	CHECK_HAS(err.text, "good is not a regular file");
	/* It does not wait for a writer either. */
	CHECK(pv_beneath_read(root, "fifo", 9, &none, &length, &err) < 0);
	CHECK_HAS(err.text, "fifo is not a regular file");
	CHECK(pv_beneath_read(root, "none", 9, &none, &length, &err) < 0);
	CHECK_HAS(err.text, "cannot open none: No such file");
	CHECK(pv_beneath_has(root, "good") && pv_beneath_has(root, "relative"));
	CHECK(!pv_beneath_has(root, "none") && !pv_beneath_has(root, "empty/x"));
}

int main(void)
{
	cleanup_free char *path = NULL;
	cleanup_close int root = -1;

	tree_begin();
	make_hostile();
	path = tree_path("root");
	root = pv_beneath_root(path, &err);
	CHECK(root >= 0);
	test_nothing_leads_out(root);
	test_reading(root);
	tree_end();
	return check_done();
}
