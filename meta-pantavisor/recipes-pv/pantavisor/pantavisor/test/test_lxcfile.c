/* SPDX-License-Identifier: MIT */
/* What LXC is given of a container besides its own configuration. */
#include "lxcfile.h"

#include "alloc.h"
#include "beneath.h"
#include "file.h"
#include "text.h"
#include "world.h"

#define ROOT "lxc.rootfs.path = overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper\n"
#define CONFIG "/run/lxc/web/config"

static struct pv_err err;

/* The file that is made of a configuration without a console, whose log would lie on the storage. */
static char *written_for(struct pv_container spec, const struct pv *pv, const char *more)
{
	struct pv_task task = {.spec = &spec};
	cleanup_free char *text = pv_fmt(ROOT "lxc.console.path = none\n%s", more);
	cleanup_free char *path = NULL;
	struct pv_mounts mounts = {0};
	struct pv_lxcconf conf;
	char *found = NULL;
	size_t length;

	CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
	CHECK(pv_lxcfile_write(pv, &task, &conf, "/rootfs", &mounts, &err) == 0 && !mounts.count);
	path = pv_lxcfile_path(&task);
	CHECK_TEXT(path, CONFIG);
	CHECK(pv_read_file(CONFIG, 65536, &found, &length, &err) == 0);
	pv_lxcconf_free(&conf);
	return found;
}

static char *written(const struct pv *pv, const char *more)
{
	return written_for((struct pv_container){.name = "web"}, pv, more);
}

/* In the revision's folder, and within its bound; not where its configuration has no console. */
static void test_console_is_logged(struct pv *pv)
{
	struct pv_container spec = {.name = "web"};
	struct pv_run run = {.revision = (char *)(uintptr_t) "7"};
	struct pv_task task = {.spec = &spec, .run = &run};
	struct pv_mounts mounts = {0};
	struct pv_lxcconf conf;
	cleanup_free char *found = NULL, *plain = written(pv, "");
	size_t length;

	CHECK(!strstr(plain, "lxc.console.logfile"));
	CHECK(pv_mkdirs("/storage", 0755, &err) == 0);
	pv->storage = pv_beneath_root("/storage", &err);
	CHECK(pv_lxcconf_adapt(&conf, ROOT, &err) == 0);
	CHECK(pv_lxcfile_write(pv, &task, &conf, "/rootfs", &mounts, &err) == 0 && mounts.count == 1);
	CHECK(pv_read_file(CONFIG, 65536, &found, &length, &err) == 0);
	CHECK_HAS(found, "lxc.console.logfile = /run/pantavisor/logs/web/console.log\n"
			 "lxc.console.size = 1MB\nlxc.console.rotate = 1\n");
	CHECK(pv_exists("/storage/logs/7/web/console.log"));
	pv_mounts_undo(&mounts);
	pv_lxcconf_free(&conf);
	close(pv->storage);
	pv->storage = -1;
}

/* The kernel's, read-only, unless run.json has "automodfw":"no". */
static void test_modules_and_firmware(const struct pv *pv)
{
	const struct pv_container with = {.name = "web", .automodfw = true};
	cleanup_free char *plain = written(pv, ""), *found = written_for(with, pv, ""), *merged = NULL;

	CHECK(!strstr(plain, "/lib/modules") && !strstr(plain, "/lib/firmware"));
	CHECK_HAS(found, "lxc.mount.entry = /lib/modules/6.1 lib/modules/6.1 none bind,ro,optional");
	CHECK_HAS(found, "lxc.mount.entry = /lib/firmware lib/firmware none bind,ro,optional");
	/* LXC follows no link to usr/lib. */
	CHECK(pv_mkdirs("/rootfs", 0755, &err) == 0 && symlink("usr/lib", "/rootfs/lib") == 0);
	merged = written_for(with, pv, "");
	CHECK_HAS(merged, "lxc.mount.entry = /lib/modules/6.1 usr/lib/modules/6.1 none bind,ro");
	CHECK_HAS(merged, "lxc.mount.entry = /lib/firmware usr/lib/firmware none bind,ro");
}

int main(void)
{
	struct pv pv = {.storage = -1, .release = "6.1"};
	cleanup_free char *plain = NULL, *named = NULL, *said = NULL, *limited = NULL;

	world_begin();
	world_enter();
	pv_config_init(&pv.config);
	plain = written(&pv, "");
	CHECK_HAS(plain, "lxc.uts.name = web\n");
	CHECK_HAS(plain, "lxc.environment = HOSTNAME=web\n");
	CHECK_HAS(plain, "lxc.rootfs.path = dir:/rootfs\n");
	CHECK_HAS(plain, "lxc.log.level = 5\n");
	CHECK_HAS(plain, "lxc.cgroup.dir.monitor = lxc.monitor.web\nlxc.cgroup.dir.container = lxc/web\n");
	/* LXC takes the last of equal variables: the container's own comes behind ours. */
	said = written(&pv, "lxc.environment = HOSTNAME=mine\n");
	CHECK(strstr(said, "HOSTNAME=web") < strstr(said, "HOSTNAME=mine"));
	CHECK(!strstr(plain, "unit.json"));
	CHECK(pv_mkdirs(PV_RUN_DIR, 0755, &err) == 0 && pv_write_file(PV_UNIT_SHOWN, "{}", 2, &err) == 0);
	free(said);
	said = written(&pv, "");
	CHECK_HAS(said, "lxc.mount.entry = /run/pantavisor/unit.json pantavisor/unit.json none bind,ro,");
	named = written(&pv, "lxc.uts.name = other\n");
	CHECK(!strstr(named, "lxc.uts.name = web") && !strstr(named, "HOSTNAME"));
	/* One without a limit of its own has one all the same, where the kernel has such limits. */
	CHECK(!strstr(plain, "pids.max"));
	CHECK(pv_mkdirs(PV_CGROUP_DIR "/lxc", 0755, &err) == 0);
	CHECK(pv_write_file(PV_CGROUP_DIR "/lxc/pids.max", "900\n", 4, &err) == 0);
	limited = written(&pv, "lxc.cgroup.pids.max = 50\n");
	CHECK(strstr(limited, "lxc.cgroup2.pids.max = 600\n") <
		strstr(limited, "lxc.cgroup2.pids.max = 50\n"));
	CHECK_HAS(limited, "lxc.cgroup2.pids.max = 600\n");
	test_modules_and_firmware(&pv);
	test_console_is_logged(&pv);
	return check_done();
}
