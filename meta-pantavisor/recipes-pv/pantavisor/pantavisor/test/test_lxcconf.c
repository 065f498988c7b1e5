/* SPDX-License-Identifier: MIT */
#include "lxcconf.h"

#include <dirent.h>

#include "alloc.h"
#include "check.h"
#include "text.h"

#define ROOT "lxc.rootfs.path = overlayfs:/volumes/a/root.squashfs:/volumes/a/lxc-overlay/upper\n"

static struct pv_err err;

static void check_line(const char *line, const char *wanted)
{
	cleanup_free char *text = pv_fmt(ROOT "%s\n", line),
			  *whole = pv_fmt("%s%s", wanted, *wanted ? "\n" : "");
	struct pv_lxcconf conf;

	CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
	CHECK_TEXT(conf.text, whole);
	pv_lxcconf_free(&conf);
}

static bool refuses(const char *text)
{
	struct pv_lxcconf conf;

	if (pv_lxcconf_adapt(&conf, text, &err) < 0)
		return true;
	pv_lxcconf_free(&conf);
	return false;
}

static void test_lines(void)
{
	check_line("# a comment", "");
	check_line("lxc.tty.max=8", "lxc.tty.max = 8");
	check_line("lxc.cgroup.devices.allow = a", "");
	check_line("lxc.cgroup.devices.deny = a\nlxc.cgroup.devices.allow = c 1:3 rwm",
		"lxc.cgroup2.devices.deny = a\nlxc.cgroup2.devices.allow = c 1:3 rwm");
	check_line("lxc.cgroup.devices.deny = a\nlxc.cgroup2.devices.deny = a\n"
		   "lxc.cgroup.devices.allow = c 1:3 rwm\nlxc.cgroup2.devices.allow = c 1:5 rwm",
		"lxc.cgroup2.devices.deny = a\nlxc.cgroup2.devices.allow = c 1:5 rwm");
	check_line("lxc.cgroup.devices.deny = a\nlxc.cgroup2.devices.allow = a", "");
	check_line("lxc.cgroup.memory.limit_in_bytes = 64M", "lxc.cgroup2.memory.max = 67108864");
	check_line("lxc.cgroup2.memory.max = 1", "lxc.cgroup2.memory.max = 1");
	check_line("lxc.cgroup.dir = x", "");
	check_line("lxc.log.file = /pv/logs/a.log", "");
	check_line("lxc.namespace.keep = user  net  ipc\nlxc.net.0.type = empty",
		"lxc.namespace.keep = user ipc");
	check_line("lxc.namespace.keep = user  ipc\nlxc.net.0.type = empty",
		"lxc.namespace.keep = user ipc\nlxc.net.0.type = empty");
	check_line("lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,create=file 0 0",
		"lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,optional,create=file 0 0");
	check_line("lxc.init.cmd = /bin/a \"b = c\"", "lxc.init.cmd = /bin/a \"b = c\"");
	check_line("lxc.environment = A=b=c", "lxc.environment = A=b=c");
	check_line("lxc.environment = A=b\rlxc.log.file = /x\rlxc.tty.max = 8\r",
		"lxc.environment = A=b\nlxc.tty.max = 8");
}

static void test_notes(void)
{
	struct pv_lxcconf conf;

	CHECK(pv_lxcconf_adapt(&conf,
		      ROOT "lxc.console.path = none\nlxc.signal.halt = SIGTERM\nlxc.uts.name = n\n"
			   "lxc.cgroup.cpu.shares = 1024\n",
		      &err) == 0);
	CHECK(!conf.has_console && conf.has_uts_name && !conf.keeps_net);
	CHECK_TEXT(conf.halt_signal, "SIGTERM");
	CHECK_HAS(conf.text, "lxc.cgroup2.cpu.weight = 39\n");
	pv_lxcconf_free(&conf);
}

static void test_the_network_is_shared_by_the_caller(void)
{
	struct pv_lxcconf conf;

	CHECK(pv_lxcconf_adapt(&conf, ROOT "lxc.namespace.keep = user  net\n", &err) == 0);
	CHECK(conf.keeps_net && !strstr(conf.text, "net"));
	pv_lxcconf_free(&conf);
}

/* Where its monitor can be in another one, so that nothing in the device's network commands it. */
static void test_what_needs_the_network_of_its_monitor(void)
{
	static const struct {
		const char *lines;
		bool needs;
	} cases[] = {
		{"", false},
		{"lxc.namespace.keep = user  ipc\nlxc.net.0.type = empty\nlxc.net.0.flags = up\n", false},
		{"lxc.namespace.keep = user  ipc\nlxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\n", true},
		{"lxc.net.0.type = phys\nlxc.net.1.type = empty\n", true},
		{"lxc.net.0.type = none\n", true},
		{"lxc.namespace.clone = mnt pid\n", true},
		{"lxc.namespace.share.net = other\n", true},
		{"lxc.namespace.keep = user  net  ipc\nlxc.net.0.type = veth\n", false},
	};

	for (size_t i = 0; i < PV_COUNT(cases); i++) {
		cleanup_free char *text = pv_fmt(ROOT "%s", cases[i].lines);
		struct pv_lxcconf conf;

		CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
		CHECK_TEXT(conf.needs_net ? cases[i].lines : "", cases[i].needs ? cases[i].lines : "");
		pv_lxcconf_free(&conf);
	}
}

static void test_layers(void)
{
	struct pv_lxcconf conf;

	CHECK(pv_lxcconf_adapt(&conf,
		      "lxc.rootfs.path = overlayfs:/volumes/a/root.ovl.squashfs:/volumes/b/root.squashfs:"
		      "/volumes/a/lxc-overlay/upper",
		      &err) == 0);
	CHECK(conf.lower_count == 2);
	CHECK_TEXT(conf.lowers[0], "/volumes/a/root.ovl.squashfs");
	CHECK_TEXT(conf.upper, "/volumes/a/lxc-overlay/upper");
	pv_lxcconf_free(&conf);
	CHECK(pv_lxcconf_adapt(&conf, "lxc.rootfs.path = /volumes/a/root.squashfs", &err) == 0);
	CHECK(conf.lower_count == 1 && !conf.upper);
	pv_lxcconf_free(&conf);
}

static void test_what_cannot_be_is_refused(void)
{
	CHECK(refuses("") && refuses("lxc.tty.max = 8\n"));
	CHECK(refuses(ROOT ROOT) && refuses(ROOT "nonsense\n") && refuses(ROOT "other.key = 1\n"));
	CHECK(refuses(ROOT "lxc.cgroup.net_cls.classid = 1\n"));
	CHECK_HAS(err.text, "line 2: lxc.cgroup.net_cls.classid");
	CHECK(refuses("lxc.rootfs.path = /etc") &&
		refuses("lxc.rootfs.path = overlayfs:/volumes/a/../../etc:/volumes/a/u"));
	CHECK(refuses("lxc.rootfs.path = overlayfs:/volumes/a,upperdir=/x:/volumes/a/u"));
	CHECK(refuses("lxc.rootfs.path = overlayfs:/volumes/a/u"));
}

static void test_published_confs_are_read(void)
{
	cleanup_free char *folder = pv_fmt("%s/lxc", getenv("PV_VECTORS"));
	cleanup_dir DIR *dir = opendir(folder);
	struct dirent *entry;
	int seen = 0;

	while (dir && (entry = readdir(dir))) {
		cleanup_free char *name = pv_fmt("lxc/%s", entry->d_name), *text = NULL;
		struct pv_lxcconf conf;
		size_t length;

		if (*entry->d_name == '.')
			continue;
		text = vector(name, &length);
		CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
		CHECK(!strstr(conf.text, "lxc.cgroup.") && !strstr(conf.text, "lxc.rootfs") && conf.upper);
		pv_lxcconf_free(&conf);
		seen++;
	}
	CHECK(seen > 5);
}

int main(void)
{
	test_lines();
	test_notes();
	test_the_network_is_shared_by_the_caller();
	test_what_needs_the_network_of_its_monitor();
	test_layers();
	test_what_cannot_be_is_refused();
	test_published_confs_are_read();
	return check_done();
}
