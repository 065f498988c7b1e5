/* SPDX-License-Identifier: MIT */
#include "durable.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "beneath.h"
#include "tree.h"

static struct pv_err err;

static void make_hostile(void)
{
	tree_file("outside/secret", "secret");
	tree_file("root/good/file", "good");
	tree_file("root/empty", "");
	tree_link("../outside", "root/relative");
	tree_link("../../outside/secret", "root/good/link");
}

static void test_making_directories(int root)
{
	cleanup_close int made = pv_durable_mkdirs(pv_storage_at(root), "a/b/c", &err);
	cleanup_close int again = pv_durable_mkdirs(pv_storage_at(root), "a/b/c", &err);

	CHECK(made >= 0 && again >= 0 && tree_has("root/a/b/c"));
	CHECK(pv_durable_mkdirs(pv_storage_at(root), "relative/new", &err) < 0 && !tree_has("outside/new"));
	CHECK_HAS(err.text, "relative/new: cannot open relative: a symbolic link is in the way");
	CHECK(pv_durable_mkdirs(pv_storage_at(root), "empty/new", &err) < 0);
	CHECK_HAS(err.text, "empty is in the way: it is not a directory");
	CHECK(pv_durable_mkdirs(pv_storage_at(root), "a/../../outside/new", &err) < 0 &&
		!tree_has("outside/new"));
}

static void append(int folder, const char *name)
{
	cleanup_close int fd = pv_durable_append(pv_storage_at(folder), name, &err);

	CHECK(fd >= 0 && pv_write_all(fd, "line", 4) == 0);
}

static void test_appending_writes_to_no_other_file(int root)
{
	cleanup_close int folder = pv_durable_mkdirs(pv_storage_at(root), "logs", &err);

	append(folder, "log");
	append(folder, "log");
	tree_check_text("root/logs/log", "lineline");
	tree_link("../../outside/secret", "root/logs/link");
	tree_hard_link("outside/secret", "root/logs/hard");
	tree_fifo("root/logs/fifo");
	append(folder, "link");
	append(folder, "hard");
	append(folder, "fifo");
	tree_check_text("outside/secret", "secret");
	tree_check_text("root/logs/link", "line");
	tree_check_text("root/logs/hard", "line");
	tree_check_text("root/logs/fifo", "line");
	tree_folder("root/logs/folder");
	CHECK(pv_durable_append(pv_storage_at(folder), "folder", &err) < 0);
}

static void test_writing(int root)
{
	CHECK(pv_durable_write(pv_storage_at(root), "new/file", "text", 4, &err) == 0);
	tree_check_text("root/new/file", "text");
	CHECK(pv_durable_write(pv_storage_at(root), "good/file", "text", 4, &err) < 0);
	CHECK_HAS(err.text, "cannot write good/file: File exists");
	tree_check_text("root/good/file", "good");
	CHECK(pv_durable_write(pv_storage_at(root), "relative/file", "text", 4, &err) < 0 &&
		!tree_has("outside/file"));
	CHECK(pv_durable_write(pv_storage_at(root), "good/link", "text", 4, &err) < 0);
	tree_check_text("outside/secret", "secret");
}

static void test_a_write_that_fails_leaves_nothing(int root)
{
	const struct rlimit small = {2, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(pv_durable_write(pv_storage_at(root), "half/file", "text", 4, &err) < 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &large) == 0);
	{
		cleanup_free char *half = tree_path("root/half");

		/* Which only succeeds if it is empty. */
		CHECK(rmdir(half) == 0);
	}
}

static void test_replacing(int root)
{
	struct pv_storage at = pv_storage_at(root);

	CHECK(pv_durable_replace(at, "record/status", "new", 3, &err) == 0);
	/* What a cut left beside it, and a link that another one put there. */
	tree_file("root/record/status.pv-beside", "half of a longer one");
	CHECK(pv_durable_replace(at, "record/status", "newer", 5, &err) == 0);
	tree_check_text("root/record/status", "newer");
	tree_link("../../outside/secret", "root/record/status.pv-beside");
	CHECK(pv_durable_replace(at, "record/status", "last", 4, &err) == 0);
	tree_check_text("root/record/status", "last");
	tree_check_text("outside/secret", "secret");
	CHECK(!tree_has("root/record/status.pv-beside"));
	tree_folder("root/record/folder");
	CHECK(pv_durable_replace(at, "record/folder", "x", 1, &err) < 0);
	CHECK_HAS(err.text, "cannot write record/folder: Is a directory");
	CHECK(!tree_has("root/record/folder.pv-beside"));
}

static void test_removing_a_tree_follows_nothing(int root)
{
	struct pv_storage at = pv_storage_at(root);

	tree_file("root/dead/a/b/c", "x");
	tree_link("../../outside", "root/dead/a/link");
	tree_link("../outside", "root/dead-link");
	CHECK(pv_durable_remove_tree(at, "dead", &err) == 0 && !tree_has("root/dead"));
	CHECK(pv_durable_remove_tree(at, "dead", &err) == 0);
	CHECK(pv_durable_remove_tree(at, "dead-link", &err) == 0);
	tree_check_text("outside/secret", "secret");
}

/* By names in folders, since no path is so long. */
static void make_deep(int root, int depth)
{
	int at = pv_beneath_open(root, "deep", O_RDONLY | O_DIRECTORY, &err);

	for (int i = 0; i < depth; i++) {
		int deeper;

		CHECK(mkdirat(at, "d", 0755) == 0);
		deeper = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = deeper;
	}
	CHECK(at >= 0);
	close(at);
}

/* A container may make as many directories in each other as the file system has room for. */
static void test_removing_a_tree_of_any_depth(int root)
{
	struct pv_storage at = pv_storage_at(root);

	/* Names that are taken, by what cannot be taken over. */
	tree_file("root/deep/lifted-0", "x");
	tree_file("root/deep/lifted-1/y", "y");
	tree_file("root/deep/e/e/e", "z");
	make_deep(root, 20 * PV_DURABLE_DEPTH);
	CHECK(pv_durable_remove_tree(at, "deep", &err) == 0 && !tree_has("root/deep"));
}

static void test_names_are_no_paths(int root)
{
	static const char *const names[] = {"", ".", "..", "a/b", "../outside/secret", "/tmp"};

	for (size_t i = 0; i < PV_COUNT(names); i++) {
		CHECK(pv_fsops_real.create(root, names[i], O_WRONLY) < 0 && errno == EINVAL);
		CHECK(pv_fsops_real.unlink(root, names[i]) < 0 && errno == EINVAL);
		CHECK(pv_fsops_real.rename(root, "good", names[i]) < 0 && errno == EINVAL);
		CHECK(pv_fsops_real.move(root, "good", root, names[i]) < 0 && errno == EINVAL);
		CHECK(pv_fsops_real.move(root, names[i], root, "new") < 0 && errno == EINVAL);
		CHECK(pv_fsops_real.mkdir(root, names[i], 0755) < 0 && errno == EINVAL);
	}
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
	test_making_directories(root);
	test_appending_writes_to_no_other_file(root);
	test_writing(root);
	test_a_write_that_fails_leaves_nothing(root);
	test_replacing(root);
	test_removing_a_tree_follows_nothing(root);
	test_removing_a_tree_of_any_depth(root);
	test_names_are_no_paths(root);
	tree_end();
	return check_done();
}
