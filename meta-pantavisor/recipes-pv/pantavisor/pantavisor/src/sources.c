/* SPDX-License-Identifier: MIT */
#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "alloc.h"
#include "beneath.h"
#include "file.h"
#include "lxcline.h"
#include "pv.h"
#include "text.h"

#define ENTRY_WORDS 6 /* source, target, type, options and two numbers */

struct pinning {
	const char *container;
	struct pv_mounts *mounts;
	struct pv_err *err;
	FILE *to;
	size_t count;
	char *whole, *whole_place; /* the volume that was bound as a whole, with its slash, and where */
};

/* "\040" is a blank, as in fstab. */
static char *unescape(const char *text, size_t length)
{
	char *plain = pv_dup(text, length), *to = plain;

	for (const char *at = plain; *at; at++) {
		char digits[4] = {0};

		if (*at == '\\' && strspn(at + 1, "01234567") >= 3) {
			memcpy(digits, at + 1, 3);
			*to++ = (char)strtol(digits, NULL, 8);
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return plain;
}

/* What is below the volume in "/volumes/<container>/<volume>/<inside>", or NULL. */
static const char *inside_of(const char *path)
{
	const char *at = path;

	if (!pv_starts_with(path, PV_VOLUMES_DIR "/"))
		return NULL;
	at += strlen(PV_VOLUMES_DIR "/");
	for (int i = 0; i < 2; i++) {
		at += strcspn(at, "/");
		at += strspn(at, "/");
	}
	return *at ? at : NULL;
}

static int open_inside(const char *path, const char *inside, struct pv_err *err)
{
	cleanup_free char *volume = pv_dup(path, (size_t)(inside - path));
	cleanup_close int root = pv_beneath_root(volume, err);
	int fd = root < 0 ? -1 : pv_beneath_in_root(root, inside, O_PATH);

	if (root < 0 || fd >= 0)
		return root < 0 ? -1 : fd;
	errno = -fd;
	return pv_err_errno(err, "cannot open %.200s", path);
}

/* A file can only be bound over a file. */
static char *make_place(const char *folder, size_t number, int fd, struct pv_err *err)
{
	struct stat info;
	bool is_folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
	char *place = pv_fmt("%s/%zu%s", folder, number, is_folder ? "" : ".file");

	if (pv_mkdirs(is_folder ? place : folder, 0755, err) == 0 &&
		(is_folder || pv_write_file(place, "", 0, err) == 0))
		return place;
	free(place);
	return NULL;
}

/* The path that LXC gets for this one. */
static int pin(struct pinning *p, const char *text, size_t length, char **place)
{
	cleanup_free char *path = unescape(text, length);
	const char *inside = inside_of(path);
	cleanup_free char *folder = pv_fmt(PV_RUN_DIR "/sources/%s", p->container);
	cleanup_close int fd = -1;

	*place = NULL;
	if (!inside) {
		*place = pv_dup(text, length);
		return 0;
	}
	fd = open_inside(path, inside, p->err);
	if (fd < 0)
		return -1;
	*place = make_place(folder, p->count++, fd, p->err);
	if (*place && pv_mount_bind(p->mounts, fd, *place, MS_NOSUID | MS_NODEV, p->err) == 0)
		return 0;
	free(*place);
	*place = NULL;
	return -1;
}

/* Below it no link is followed. */
static int bind_whole(struct pinning *p, const char *path, const char *inside)
{
	cleanup_free char *volume = pv_dup(path, (size_t)(inside - path));
	cleanup_free char *folder = pv_fmt(PV_RUN_DIR "/sources/%s", p->container);
	cleanup_close int root = -1;

	if (p->whole && !strcmp(p->whole, volume))
		return 0;
	free(p->whole);
	free(p->whole_place);
	p->whole = pv_dup(volume, strlen(volume));
	p->whole_place = NULL;
	root = pv_beneath_root(volume, p->err);
	if (root >= 0)
		p->whole_place = make_place(folder, p->count++, root, p->err);
	if (!p->whole_place)
		return -1;
	return pv_mount_bind(
		p->mounts, root, p->whole_place, MS_NOSUID | MS_NODEV | PV_MS_NOSYMFOLLOW, p->err);
}

/* Upper and work directory of an overlay have to be in one mount. */
static int write_layer(struct pinning *p, const char *option, const char *value)
{
	cleanup_free char *path = unescape(value, strlen(value));
	const char *inside = inside_of(path);
	cleanup_close int root = -1, folder = -1;

	if (!inside)
		return fputs(option, p->to) < 0 ? -1 : 0;
	if (bind_whole(p, path, inside) < 0)
		return -1;
	root = pv_beneath_root(p->whole_place, p->err);
	folder = root < 0 ? -1 : pv_beneath_open(root, inside, O_PATH | O_DIRECTORY, p->err);
	if (folder < 0)
		return -1;
	fprintf(p->to, "%.*s%s/%s", (int)(value - option), option, p->whole_place, inside);
	return 0;
}

/* "lowerdir=a:b" and its like; of other options nothing is a path in a volume. */
static int write_option(struct pinning *p, const char *option, const char *before)
{
	const char *value = strchr(option, '=');
	size_t length;

	if (!value || !strstr(option, "dir="))
		return fprintf(p->to, "%s%s", before, option) < 0 ? -1 : 0;
	if (pv_starts_with(option, "upperdir=") || pv_starts_with(option, "workdir="))
		return fputs(before, p->to) < 0 ? -1 : write_layer(p, option, value + 1);
	fprintf(p->to, "%s%.*s", before, (int)(value - option), option);
	before = "=";
	for (const char *at = value + 1;; at += length + 1) {
		cleanup_free char *place = NULL;

		length = strcspn(at, ":");
		if (pin(p, at, length, &place) < 0)
			return -1;
		fprintf(p->to, "%s%s", before, place);
		before = ":";
		if (!at[length])
			return 0;
	}
}

static int write_options(struct pinning *p, char *options)
{
	const char *before = " ";
	char *option;

	while ((option = strsep(&options, ","))) {
		if (write_option(p, option, before) < 0)
			return -1;
		before = ",";
	}
	return 0;
}

static bool has_option(const char *options, const char *wanted)
{
	size_t length = strlen(wanted);

	for (const char *at = strstr(options, wanted); at; at = strstr(at + 1, wanted))
		if ((at == options || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

static int write_entry(struct pinning *p, char *const *words, size_t count)
{
	cleanup_free char *source = NULL;

	if (pin(p, words[0], strlen(words[0]), &source) < 0)
		return count > 3 && has_option(words[3], "optional") ? 0 : -1;
	fprintf(p->to, "lxc.mount.entry = %s", source);
	for (size_t i = 1; i < count; i++)
		if (i != 3)
			fprintf(p->to, " %s", words[i]);
		else if (write_options(p, words[i]) < 0)
			return -1;
	fputc('\n', p->to);
	return 0;
}

static int keep_or_pin(void *data, const char *key, const char *value)
{
	struct pinning *p = data;
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *words[ENTRY_WORDS], *rest = copy, *word;
	size_t count = 0;

	if (strcmp(key, "lxc.mount.entry") || !strstr(value, PV_VOLUMES_DIR "/"))
		return fprintf(p->to, "%s = %s\n", key, value) < 0 ? -1 : 0;
	while (count < ENTRY_WORDS && (word = strsep(&rest, " \t")))
		if (*word)
			words[count++] = word;
	return write_entry(p, words, count);
}

int pv_sources_mount(
	struct pv_lxcconf *conf, const char *container, struct pv_mounts *mounts, struct pv_err *err)
{
	char *text = NULL;
	size_t length;
	struct pinning p = {
		.container = container, .mounts = mounts, .err = err, .to = open_memstream(&text, &length)};
	int done;

	if (!p.to)
		return pv_err_errno(err, "no memory");
	done = pv_lxcline_each(conf->text, keep_or_pin, &p, err);
	free(p.whole);
	free(p.whole_place);
	if (done < 0)
		fclose(p.to);
	else
		done = pv_close_text(p.to, err);
	if (done < 0) {
		free(text);
		return -1;
	}
	free(conf->text);
	conf->text = text;
	return 0;
}
