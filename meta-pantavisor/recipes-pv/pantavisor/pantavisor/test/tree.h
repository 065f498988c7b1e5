/* SPDX-License-Identifier: MIT */
/* A scratch directory for a test, and what is put into it. */
#ifndef PV_TEST_TREE_H
#define PV_TEST_TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "file.h"
#include "text.h"

#ifndef TREE_PLACE
#define TREE_PLACE "/tmp"
#endif

static char tree_root[64];

static inline char *tree_path(const char *path)
{
	return pv_fmt("%s/%s", tree_root, path);
}

static inline void tree_begin(void)
{
	strcpy(tree_root, TREE_PLACE "/pv-test-XXXXXX");
	CHECK(mkdtemp(tree_root) != NULL);
}

static inline int tree_remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline void tree_end(void)
{
	nftw(tree_root, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void tree_folder(const char *path)
{
	cleanup_free char *whole = tree_path(path);
	struct pv_err err;

	CHECK(pv_mkdirs(whole, 0755, &err) == 0);
}

static inline void tree_file(const char *path, const char *content)
{
	cleanup_free char *whole = tree_path(path), *parent = pv_dup(whole, strlen(whole));
	cleanup_close int fd = -1;
	struct pv_err err;

	*strrchr(parent, '/') = '\0';
	CHECK(pv_mkdirs(parent, 0755, &err) == 0);
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	CHECK(fd >= 0 && pv_write_all(fd, content, strlen(content)) == 0);
}

static inline void tree_link(const char *target, const char *path)
{
	cleanup_free char *whole = tree_path(path);

	CHECK(symlink(target, whole) == 0);
}

static inline void tree_hard_link(const char *from, const char *path)
{
	cleanup_free char *whole = tree_path(path), *source = tree_path(from);

	CHECK(link(source, whole) == 0);
}

static inline void tree_fifo(const char *path)
{
	cleanup_free char *whole = tree_path(path);

	CHECK(mkfifo(whole, 0644) == 0);
}

static inline void tree_unlink(const char *path)
{
	cleanup_free char *whole = tree_path(path);

	CHECK(unlink(whole) == 0);
}

static inline void tree_move(const char *from, const char *to)
{
	cleanup_free char *source = tree_path(from), *target = tree_path(to);

	CHECK(rename(source, target) == 0);
}

static inline bool tree_has(const char *path)
{
	cleanup_free char *whole = tree_path(path);

	return pv_exists(whole);
}

static inline void tree_check_text(const char *path, const char *wanted)
{
	cleanup_free char *whole = tree_path(path), *text = NULL;
	struct pv_err err;
	size_t length;

	CHECK(pv_read_file(whole, 65536, &text, &length, &err) == 0);
	CHECK_TEXT(text, wanted);
}

#endif
