/* SPDX-License-Identifier: MIT */
#include "isolation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cgroup.h"
#include "lxcline.h"
#include "text.h"

#define FIELDS 6

static const char *const capabilities[] = {"audit_write", "chown", "dac_override", "fowner", "fsetid",
	"kill", "net_bind_service", "net_raw", "setfcap", "setgid", "setpcap", "setuid", "sys_chroot",
	"none", NULL};
static const char *const devices[] = {"c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
	"c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:229 rwm", NULL};
static const char *const auto_mounts[] = {"proc", "proc:mixed", "sys", "sys:mixed", "sys:ro", "cgroup",
	"cgroup:mixed", "cgroup:ro", "cgroup:mixed:force", "cgroup:ro:force", NULL};
static const char *const namespaces[] = {"user", "net", NULL};
static const char *const networks[] = {"empty", "veth", "none", NULL};
/* They would change a mount that is there, or let mounts out. */
static const char *const bad_options[] = {
	"remount", "move", "shared", "rshared", "private", "rprivate", "slave", "rslave", NULL};
/* May be mounted over themselves, read-only. */
static const char *const masked[] = {
	"/proc/acpi", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys/net", NULL};
/* Below lxc.net.<number>. */
static const char *const net_keys[] = {"link", "flags", "name", "hwaddr", "mtu", "ipv4.address",
	"ipv4.gateway", "ipv6.address", "ipv6.gateway", NULL};

struct isolation {
	const char *container;
	bool keeps;		   /* lxc.cap.keep was there */
	bool keeps_some, has_none; /* namespaces, and a network "none" */
	bool rules[2], denies[2];  /* of devices, by version of cgroups */
	struct pv_err *err;
};

typedef bool judge(struct isolation *i, const char *key, const char *value);

static bool is_one_of(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

/* Each word between any of `separators`; words may be empty only between blanks. */
static bool all_of(const char *const *list, const char *value, const char *separators)
{
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *rest = copy, *word;

	while ((word = strsep(&rest, separators)))
		if (*word && !is_one_of(list, word))
			return false;
	return true;
}

static bool any_of(const char *const *list, const char *value, const char *separators)
{
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *rest = copy, *word;

	while ((word = strsep(&rest, separators)))
		if (is_one_of(list, word))
			return true;
	return false;
}

static bool any_value(struct isolation *i, const char *key, const char *value)
{
	(void)i;
	(void)key;
	(void)value;
	return true;
}

static bool keep_capabilities(struct isolation *i, const char *key, const char *value)
{
	(void)key;
	i->keeps = true;
	return all_of(capabilities, value, " \t");
}

static bool device_rule(struct isolation *i, const char *key, const char *value)
{
	int version = pv_starts_with(key, "lxc.cgroup2.");
	const char *verb = strstr(key, ".devices.") + strlen(".devices.");

	i->rules[version] = true;
	if (!strcmp(verb, "allow"))
		return is_one_of(devices, value);
	if (strcmp(verb, "deny"))
		return false;
	i->denies[version] |= !strcmp(value, "a");
	return true;
}

static bool cgroup_setting(struct isolation *i, const char *key, const char *value)
{
	(void)i;
	return pv_cgroup_is_limit(strchr(key + strlen("lxc.cgroup"), '.') + 1, value);
}

/* Real-time scheduling starves what has none. */
static bool not_urgent(struct isolation *i, const char *key, const char *value)
{
	(void)i;
	(void)value;
	return strcmp(key, "lxc.prlimit.rtprio") && strcmp(key, "lxc.prlimit.nice");
}

static bool auto_mount(struct isolation *i, const char *key, const char *value)
{
	(void)i;
	(void)key;
	return all_of(auto_mounts, value, " \t");
}

static bool keep_namespaces(struct isolation *i, const char *key, const char *value)
{
	(void)key;
	i->keeps_some = true;
	return all_of(namespaces, value, " \t");
}

static bool no_console(struct isolation *i, const char *key, const char *value)
{
	(void)i;
	(void)key;
	return !strcmp(value, "none");
}

static bool network(struct isolation *i, const char *key, const char *value)
{
	const char *number = key + strlen("lxc.net."), *member = number + strspn(number, "0123456789");

	if (member == number || *member != '.')
		return false;
	i->has_none |= !strcmp(value, "none");
	return strcmp(member + 1, "type") ? is_one_of(net_keys, member + 1) : is_one_of(networks, value);
}

/* /volumes/<container>/<volume> and nothing after it: a link there could lead anywhere. */
static bool is_volume(const char *container, const char *path)
{
	cleanup_free char *folder = pv_fmt("/volumes/%s/", container);
	const char *name = path + strlen(folder);

	return pv_starts_with(path, folder) && *name && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..") && strcmp(name, "lxc-overlay");
}

/* Another container's image may be the base of this one. */
static bool is_lower(const char *container, const char *path)
{
	const char *name = path + strlen("/volumes/"), *slash;

	if (is_volume(container, path))
		return true;
	if (!pv_starts_with(path, "/volumes/"))
		return false;
	slash = strchr(name, '/');
	return slash && slash != name && !strcmp(slash, "/root.squashfs") && *name != '.';
}

static bool root(struct isolation *i, const char *key, const char *value)
{
	cleanup_free char *upper = pv_fmt("/volumes/%s/lxc-overlay/upper", i->container);
	bool overlay = pv_starts_with(value, "overlayfs:") || pv_starts_with(value, "overlay:");
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *rest = overlay ? strchr(copy, ':') + 1 : copy, *part;

	(void)key;
	while ((part = strsep(&rest, ":")))
		if (overlay && !rest ? strcmp(part, upper) != 0 : !is_lower(i->container, part))
			return false;
	return true;
}

static size_t split(char *text, char *fields[FIELDS])
{
	size_t count = 0;
	char *field;

	while ((field = strsep(&text, " \t")))
		if (*field && count < FIELDS)
			fields[count++] = field;
	return count;
}

static bool is_inside(const char *target)
{
	cleanup_free char *copy = pv_dup(target, strlen(target));
	char *rest = copy, *part;

	while ((part = strsep(&rest, "/")))
		if (!strcmp(part, ".."))
			return false;
	return *target != '/';
}

static bool mount_entry(struct isolation *i, const char *key, const char *value)
{
	static const char *const binds[] = {"bind", "rbind", NULL}, *const read_only[] = {"ro", NULL};
	cleanup_free char *copy = pv_dup(value, strlen(value));
	char *field[FIELDS];

	(void)key;
	/* A backslash begins an escape of another character. */
	if (strchr(value, '\\') || split(copy, field) < 4 || !is_inside(field[1]) ||
		any_of(bad_options, field[3], ","))
		return false;
	if (!strcmp(field[2], "tmpfs"))
		return !any_of(binds, field[3], ",");
	if (strcmp(field[2], "none") || !any_of(binds, field[3], ","))
		return false;
	if (is_one_of(masked, field[0]))
		return !strcmp(field[1], field[0] + 1) && any_of(read_only, field[3], ",");
	return !strcmp(field[0], "/etc/resolv.conf") || is_volume(i->container, field[0]);
}

/* The first row that fits counts; a key ending in a dot means all below it. */
static const struct {
	const char *key;
	judge *judge;
} rows[] = {
	{"lxc.cap.keep", keep_capabilities},
	{"lxc.cap.drop", any_value},
	{"lxc.cgroup.devices.", device_rule},
	{"lxc.cgroup2.devices.", device_rule},
	{"lxc.cgroup.", cgroup_setting},
	{"lxc.cgroup2.", cgroup_setting},
	{"lxc.mount.auto", auto_mount},
	{"lxc.mount.entry", mount_entry},
	{"lxc.namespace.keep", keep_namespaces},
	{"lxc.rootfs.path", root},
	{"lxc.console.path", no_console},
	{"lxc.net.", network},
	{"lxc.tty.max", any_value},
	{"lxc.pty.max", any_value},
	{"lxc.log.file", any_value}, /* replaced */
	{"lxc.log.level", any_value},
	{"lxc.init.cmd", any_value},
	{"lxc.init.cwd", any_value},
	{"lxc.init.uid", any_value},
	{"lxc.init.gid", any_value},
	{"lxc.init.groups", any_value},
	{"lxc.environment", any_value},
	{"lxc.signal.halt", any_value},
	{"lxc.signal.reboot", any_value},
	{"lxc.signal.stop", any_value},
	{"lxc.uts.name", any_value},
	{"lxc.autodev", any_value},
	{"lxc.no_new_privs", any_value},
	{"lxc.prlimit.", not_urgent},
};

static int judge_pair(void *data, const char *key, const char *value)
{
	struct isolation *i = data;

	for (size_t n = 0; n < PV_COUNT(rows); n++)
		if (pv_ends_with(rows[n].key, ".") ? pv_starts_with(key, rows[n].key)
						   : !strcmp(key, rows[n].key)) {
			/* An empty value takes back what stood before it. */
			if (*value && rows[n].judge(i, key, value))
				return 0;
			break;
		}
	return pv_err_set(i->err, "%.60s = %.200s", key, value);
}

int pv_isolation_check(const char *container, const char *conf, struct pv_err *err)
{
	struct isolation i = {.container = container, .err = err};

	if (pv_lxcline_each(conf, judge_pair, &i, err) < 0)
		return -1;
	if (!i.keeps)
		return pv_err_set(err, "it keeps all capabilities");
	/* It is then in the network of liblxc's monitor, whose socket takes commands that lift the list of
	 * devices. */
	if (i.has_none && !i.keeps_some)
		return pv_err_set(err, "it has the network of its monitor");
	if ((!i.rules[0] && !i.rules[1]) || i.rules[0] != i.denies[0] || i.rules[1] != i.denies[1])
		return pv_err_set(err, "it may use all devices");
	return 0;
}
