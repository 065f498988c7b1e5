/* SPDX-License-Identifier: MIT */
#include "lxcconf.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cgroup.h"
#include "lxcline.h"
#include "text.h"

struct adapter {
	struct pv_lxcconf *conf;
	FILE *to;
	char *net[PV_LXCCONF_KEPT], *devices[PV_LXCCONF_KEPT];
	size_t net_count, device_count;
	struct pv_cgroup cgroup;
	bool denies_devices, has_own_devices;
	struct pv_err *err;
};

typedef int adapt(struct adapter *a, const char *key, const char *value);

static int keep_line(struct adapter *a, const char *key, const char *value)
{
	fprintf(a->to, "%s = %s\n", key, value);
	return 0;
}

/* Ours take its place. */
static int replace(struct adapter *a, const char *key, const char *value)
{
	(void)a;
	(void)key;
	(void)value;
	return 0;
}

static int adapt_cgroup(struct adapter *a, const char *key, const char *value)
{
	return pv_cgroup_adapt(&a->cgroup, a->to, key + strlen("lxc.cgroup."), value, a->err);
}

static int hold(struct adapter *a, char **list, size_t *count, char *line)
{
	if (*count == PV_LXCCONF_KEPT) {
		free(line);
		return pv_err_set(a->err, "more than %d lines of one kind", PV_LXCCONF_KEPT);
	}
	list[(*count)++] = line;
	return 0;
}

static void forget_devices(struct adapter *a)
{
	for (size_t i = 0; i < a->device_count; i++)
		free(a->devices[i]);
	a->device_count = 0;
	a->denies_devices = false;
}

static int hold_devices(struct adapter *a, const char *key, const char *value)
{
	const char *verb = strrchr(key, '.') + 1;
	bool is_own = pv_starts_with(key, "lxc.cgroup2.");

	/* A conf for both versions has everything twice: its own words for this one count. */
	if (is_own && !a->has_own_devices)
		forget_devices(a);
	a->has_own_devices |= is_own;
	if (a->has_own_devices && !is_own)
		return 0;
	a->denies_devices |= !strcmp(verb, "deny");
	return hold(a, a->devices, &a->device_count, pv_fmt("lxc.cgroup2.devices.%s = %s\n", verb, value));
}

static int hold_net(struct adapter *a, const char *key, const char *value)
{
	if (pv_ends_with(key, ".type"))
		a->conf->needs_net |= strcmp(value, "empty") != 0;
	return hold(a, a->net, &a->net_count, pv_fmt("%s = %s\n", key, value));
}

/* Namespaces in words of their own. */
static int note_namespaces(struct adapter *a, const char *key, const char *value)
{
	a->conf->needs_net = true;
	return keep_line(a, key, value);
}

/* LXC wants single blanks between the words. The network is the caller's to share. */
static int keep_namespaces(struct adapter *a, const char *key, const char *value)
{
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *rest = copy, *word;

	fprintf(a->to, "%s =", key);
	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		if (strcmp(word, "net"))
			fprintf(a->to, " %s", word);
		else
			a->conf->keeps_net = true;
	}
	fputc('\n', a->to);
	return 0;
}

/* overlayfs:<lower>[:<lower>...]:<upper>, or the path of one volume. */
static int take_rootfs(struct adapter *a, const char *key, const char *value)
{
	bool overlay = pv_starts_with(value, "overlayfs:") || pv_starts_with(value, "overlay:");
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *rest = overlay ? strchr(copy, ':') + 1 : copy, *part;
	struct pv_lxcconf *conf = a->conf;

	if (conf->lower_count)
		return pv_err_set(a->err, "%s is listed twice", key);
	while ((part = strsep(&rest, ":"))) {
		if (!pv_starts_with(part, "/volumes/") || strstr(part, "/..") || strchr(part, ','))
			return pv_err_set(a->err, "%s: \"%.100s\" is not below /volumes", key, part);
		if (overlay && !rest)
			conf->upper = pv_dup(part, strlen(part));
		else if (conf->lower_count == PV_LXCCONF_LOWERS)
			return pv_err_set(
				a->err, "%s has more than %d lower layers", key, PV_LXCCONF_LOWERS);
		else
			conf->lowers[conf->lower_count++] = pv_dup(part, strlen(part));
	}
	if (!conf->lower_count)
		return pv_err_set(a->err, "%s has no lower layer", key);
	return 0;
}

/* A container whose resolv.conf is a link that leads nowhere runs all the same. */
static int keep_mount(struct adapter *a, const char *key, const char *value)
{
	const char *options = strstr(value, "create=file");

	if (options && pv_starts_with(value, "/etc/resolv.conf ") && !strstr(value, "optional"))
		fprintf(a->to, "%s = %.*soptional,%s\n", key, (int)(options - value), value, options);
	else
		keep_line(a, key, value);
	return 0;
}

static int note_uts(struct adapter *a, const char *key, const char *value)
{
	a->conf->has_uts_name = true;
	return keep_line(a, key, value);
}

static int note_console(struct adapter *a, const char *key, const char *value)
{
	a->conf->has_console = strcmp(value, "none") != 0;
	return keep_line(a, key, value);
}

static int note_apparmor(struct adapter *a, const char *key, const char *value)
{
	a->conf->has_apparmor = true;
	return keep_line(a, key, value);
}

static int note_seccomp(struct adapter *a, const char *key, const char *value)
{
	a->conf->has_seccomp = true;
	return keep_line(a, key, value);
}

static int note_halt(struct adapter *a, const char *key, const char *value)
{
	free(a->conf->halt_signal);
	a->conf->halt_signal = pv_dup(value, strlen(value));
	return keep_line(a, key, value);
}

/* The first row that fits counts; a key ending in a dot means all below it. */
static const struct {
	const char *key;
	adapt *adapt;
} rows[] = {
	{"lxc.cgroup.devices.", hold_devices},
	{"lxc.cgroup2.devices.", hold_devices},
	{"lxc.cgroup.dir", replace},
	{"lxc.cgroup.dir.", replace},
	{"lxc.cgroup.", adapt_cgroup},
	{"lxc.rootfs.path", take_rootfs},
	{"lxc.rootfs.", replace},
	{"lxc.log.", replace},
	{"lxc.console.path", note_console},
	{"lxc.console.", replace},
	{"lxc.namespace.keep", keep_namespaces},
	{"lxc.namespace.", note_namespaces},
	{"lxc.net.", hold_net},
	{"lxc.mount.entry", keep_mount},
	{"lxc.uts.name", note_uts},
	{"lxc.apparmor.profile", note_apparmor},
	{"lxc.seccomp.profile", note_seccomp},
	{"lxc.signal.halt", note_halt},
	{"lxc.", keep_line},
};

static int adapt_pair(void *data, const char *key, const char *value)
{
	struct adapter *a = data;

	for (size_t i = 0; i < PV_COUNT(rows); i++)
		if (pv_ends_with(rows[i].key, ".") ? pv_starts_with(key, rows[i].key)
						   : !strcmp(key, rows[i].key))
			return rows[i].adapt(a, key, value);
	return pv_err_set(a->err, "\"%.60s\" is not a key of LXC", key);
}

static int adapt_lines(struct adapter *a, const char *text)
{
	if (pv_lxcline_each(text, adapt_pair, a, a->err) < 0)
		return -1;
	if (!a->conf->lower_count)
		return pv_err_set(a->err, "it has no lxc.rootfs.path");
	return 0;
}

/* A network of its own and the host's kept at once cannot be; and "allow all" alone needs no filter. */
static void settle(struct adapter *a)
{
	a->conf->needs_net &= !a->conf->keeps_net;
	for (size_t i = 0; i < a->net_count; i++) {
		if (!a->conf->keeps_net)
			fputs(a->net[i], a->to);
		free(a->net[i]);
	}
	for (size_t i = 0; i < a->device_count; i++)
		if (a->denies_devices)
			fputs(a->devices[i], a->to);
	forget_devices(a);
}

int pv_lxcconf_adapt(struct pv_lxcconf *conf, const char *text, struct pv_err *err)
{
	cleanup_free struct adapter *a = pv_alloc(1, sizeof(*a));
	size_t length;
	int done;

	*conf = (struct pv_lxcconf){.has_console = true};
	if (strlen(text) > PV_LXCCONF_BYTES)
		return pv_err_set(err, "it has more than %d bytes", PV_LXCCONF_BYTES);
	a->conf = conf;
	a->err = err;
	a->to = open_memstream(&conf->text, &length);
	if (!a->to)
		return pv_err_errno(err, "no memory");
	done = adapt_lines(a, text);
	if (done == 0)
		done = pv_cgroup_finish(&a->cgroup, a->to, err);
	pv_cgroup_free(&a->cgroup);
	settle(a);
	if (done == 0)
		done = pv_close_text(a->to, err);
	else
		fclose(a->to);
	if (done < 0)
		pv_lxcconf_free(conf);
	return done;
}

void pv_lxcconf_free(struct pv_lxcconf *conf)
{
	for (size_t i = 0; i < conf->lower_count; i++)
		free(conf->lowers[i]);
	free(conf->text);
	free(conf->upper);
	free(conf->halt_signal);
	*conf = (struct pv_lxcconf){0};
}
