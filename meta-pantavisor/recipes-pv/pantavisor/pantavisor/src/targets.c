/* SPDX-License-Identifier: MIT */
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "lxcline.h"
#include "text.h"

#define COVERS 256
#define WORDS 4 /* source, target, type, options */

/* Something that is mounted by an earlier line. */
struct cover {
	char *target;
	char *source;  /* what its processes may have filled, or NULL */
	bool is_fresh; /* empty, and there in any case */
};

struct look {
	int root;
	FILE *to;
	struct pv_err *err;
	bool has_own_dev; /* LXC mounts one of its own there */
	struct cover covers[COVERS];
	size_t count;
};

static bool has_link(int root, const char *path)
{
	cleanup_close int fd = pv_beneath_try(root, *path ? path : ".", O_PATH);

	return fd == -ELOOP || fd == -EXDEV;
}

/* The innermost one above `target`, or NULL. */
static const struct cover *find_cover(const struct look *l, const char *target)
{
	const struct cover *found = NULL;

	for (size_t i = 0; i < l->count; i++) {
		const struct cover *c = &l->covers[i];

		if (pv_starts_with(target, c->target) && target[strlen(c->target)] == '/' &&
			(!found || strlen(c->target) >= strlen(found->target)))
			found = c;
	}
	return found;
}

static bool is_blocked(const struct look *l, const char *target)
{
	const struct cover *cover = find_cover(l, target);
	struct pv_err unused;
	cleanup_close int source = cover && cover->source ? pv_beneath_root(cover->source, &unused) : -1;

	if (cover && cover->is_fresh)
		return false;
	if (l->has_own_dev && pv_starts_with(target, "dev/"))
		return has_link(l->root, "dev");
	return has_link(l->root, target) ||
	       (source >= 0 && has_link(source, target + strlen(cover->target) + 1));
}

/* Of an overlay the upper directory is what was written. */
static char *source_of(char *const words[WORDS])
{
	const char *upper = strstr(words[3], "upperdir=");
	const char *path = upper ? upper + strlen("upperdir=") : words[0];

	return *path == '/' ? pv_dup(path, strcspn(path, ",")) : NULL;
}

static int add_cover(struct look *l, char *const words[WORDS], const char *target, bool is_optional)
{
	if (l->count == COVERS)
		return pv_err_set(l->err, "it has more than %d mounts", COVERS);
	l->covers[l->count++] = (struct cover){
		.target = pv_dup(target, strlen(target)),
		.source = source_of(words),
		.is_fresh = !strcmp(words[2], "tmpfs") && !strstr(words[3], "bind") && !is_optional,
	};
	return 0;
}

static int judge(struct look *l, const char *value, char *const words[WORDS])
{
	const char *target = words[1] + strspn(words[1], "/");
	bool is_optional = strstr(words[3], "optional") != NULL;

	if (strstr(words[3], "create=") && is_blocked(l, target))
		return is_optional
			       ? 0
			       : pv_err_set(l->err, "a symbolic link is in the way of its mount on %.200s",
					 target);
	if (fprintf(l->to, "lxc.mount.entry = %s\n", value) < 0)
		return pv_err_errno(l->err, "no memory");
	return add_cover(l, words, target, is_optional);
}

static int take_line(void *data, const char *key, const char *value)
{
	struct look *l = data;
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *words[WORDS] = {NULL}, *rest = copy, *word;
	size_t count = 0;

	while (count < WORDS && (word = strsep(&rest, " \t")))
		if (*word)
			words[count++] = word;
	if (!strcmp(key, "lxc.mount.entry") && count == WORDS)
		return judge(l, value, words);
	return fprintf(l->to, "%s = %s\n", key, value) < 0 ? -1 : 0;
}

static int note_dev(void *data, const char *key, const char *value)
{
	struct look *l = data;

	if (!strcmp(key, "lxc.autodev"))
		l->has_own_dev = !strcmp(value, "1");
	return 0;
}

static int look_at(struct look *l, const char *conf)
{
	int done = pv_lxcline_each(conf, note_dev, l, l->err);

	if (done == 0)
		done = pv_lxcline_each(conf, take_line, l, l->err);
	for (size_t i = 0; i < l->count; i++) {
		free(l->covers[i].target);
		free(l->covers[i].source);
	}
	return done;
}

int pv_targets_check(const char *rootfs, const char *conf, char **text, struct pv_err *err)
{
	cleanup_close int root = pv_beneath_root(rootfs, err);
	cleanup_free struct look *l = pv_alloc(1, sizeof(*l));
	size_t length;

	if (root < 0)
		return -1;
	*text = NULL;
	*l = (struct look){
		.root = root, .to = open_memstream(text, &length), .err = err, .has_own_dev = true};
	if (!l->to)
		return pv_err_errno(err, "no memory");
	if (look_at(l, conf) == 0)
		return pv_close_text(l->to, err);
	fclose(l->to);
	free(*text);
	*text = NULL;
	return -1;
}
