/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "alloc.h"
#include "beneath.h"
#include "tree.h"

static struct pv_err err;

static void fill(const char *source)
{
	char text[1024];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < PV_LOG_FILE_BYTES / 1024; i++)
		pv_info(source, "%s", text);
}

static off_t size_of(const char *path)
{
	cleanup_free char *whole = tree_path(path);
	struct stat info = {0};

	CHECK(lstat(whole, &info) == 0 && S_ISREG(info.st_mode));
	return info.st_size;
}

/* Lines from before it is opened, the change to a new one, and nothing that lies there is followed. */
int main(void)
{
	int root;

	tree_begin();
	root = pv_beneath_root(tree_root, &err);
	tree_file("outside", "outside");
	tree_file("older", "older");
	tree_folder("logs");
	tree_link("../outside", "logs/our.log");
	tree_hard_link("older", "logs/our.log.1");
	pv_info("test", "an early line");
	pv_log_open_file(root, "logs/our.log");
	CHECK(size_of("logs/our.log") > 0);
	fill("test");
	fill("test");
	CHECK(size_of("logs/our.log") <= PV_LOG_FILE_BYTES &&
		size_of("logs/our.log.1") <= PV_LOG_FILE_BYTES);
	CHECK(size_of("logs/our.log.1") > PV_LOG_FILE_BYTES / 2);
	tree_check_text("outside", "outside");
	tree_check_text("older", "older");
	pv_log_close_file();
	close(root);
	pv_info("test", "kept for the next one");
	tree_end();
	return check_done();
}
