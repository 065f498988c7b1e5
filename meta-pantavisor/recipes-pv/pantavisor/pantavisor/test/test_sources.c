/* SPDX-License-Identifier: MIT */
/* Sources of mounts inside volumes, in which the containers themselves have left links. */
#include "sources.h"

#include "alloc.h"
#include "file.h"
#include "text.h"
#include "web.h"

#define INNER "run/pantavisor/sources/web/" /* as the tree has it */
#define SOURCE "/" INNER
#define ENTRY "lxc.mount.entry = "

static struct pv_mounts mounts;

static char *rewrite(const char *entry, int wanted)
{
	struct pv_lxcconf conf;
	cleanup_free char *text =
		pv_fmt("lxc.rootfs.path = /volumes/web/root\n%s\nlxc.pty.max = 3\n", entry);
	char *found = NULL;

	CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
	CHECK(pv_sources_mount(&conf, "web", &mounts, &err) == wanted);
	if (!wanted)
		found = pv_dup(conf.text, strlen(conf.text));
	pv_lxcconf_free(&conf);
	return found;
}

static void check_rewritten(const char *entry, const char *wanted)
{
	cleanup_free char *found = rewrite(entry, 0), *whole = pv_fmt("%slxc.pty.max = 3\n", wanted);

	CHECK_TEXT(found, whole);
}

static void make_volumes(void)
{
	tree_file("volumes/db/data/sub/file", "of db");
	tree_file("volumes/db/data/my file", "blank");
	tree_link("/", "volumes/db/data/root");
	tree_link("../../../../etc", "volumes/db/data/up");
	tree_link("/sub", "volumes/db/data/harmless");
	tree_link("/proc/self/root/etc", "volumes/db/data/magic");
	tree_file("volumes/web/root/run/real", "of the image");
	tree_folder("volumes/web/root/var");
	tree_link("/run", "volumes/web/root/var/run");
	tree_folder("volumes/web/ovl/upper");
	tree_folder("volumes/web/ovl/work");
	tree_file("etc/secret", "of the device");
}

static void test_what_is_no_place_in_a_volume_stays(void)
{
	check_rewritten(
		ENTRY "/volumes/db/data  d none bind 0 0", ENTRY "/volumes/db/data d none bind 0 0\n");
	check_rewritten(ENTRY "/dev/ dev  none bind,rw 0 0", ENTRY "/dev/ dev  none bind,rw 0 0\n");
	check_rewritten(ENTRY "tmpfs volumes/x tmpfs rw,mode=755 0 0",
		ENTRY "tmpfs volumes/x tmpfs rw,mode=755 0 0\n");
	check_rewritten(
		"lxc.environment = A=/volumes/db/data/sub", "lxc.environment = A=/volumes/db/data/sub\n");
	CHECK(mounts.count == 0);
}

static void test_place_in_a_volume_is_bound(void)
{
	check_rewritten(ENTRY "/volumes/db/data/sub d none bind,rw,create=dir 0 0",
		ENTRY SOURCE "0 d none bind,rw,create=dir 0 0\n");
	tree_check_text(INNER "0/file", "of db");
	CHECK(flags_of(SOURCE "0") == (ST_NOSUID | ST_NODEV));
	pv_mounts_undo(&mounts);
	check_rewritten(
		ENTRY "/volumes/db/data/sub/file f none bind 0 0", ENTRY SOURCE "0.file f none bind 0 0\n");
	pv_mounts_undo(&mounts);
}

/* As the container sees them: from the root of the volume, and never out of it. */
static void test_links_stay_within_the_volume(void)
{
	check_rewritten(
		ENTRY "/volumes/db/data/harmless d none bind 0 0", ENTRY SOURCE "0 d none bind 0 0\n");
	tree_check_text(INNER "0/file", "of db");
	pv_mounts_undo(&mounts);
	check_rewritten(ENTRY "/volumes/db/data/root d none bind 0 0", ENTRY SOURCE "0 d none bind 0 0\n");
	CHECK(pv_exists(SOURCE "0/sub") && !pv_exists(SOURCE "0/etc"));
	pv_mounts_undo(&mounts);
	CHECK(!rewrite(ENTRY "/volumes/db/data/up d none bind 0 0", -1));
	CHECK_HAS(err.text, "cannot open /volumes/db/data/up: No such file");
	CHECK(!rewrite(ENTRY "/volumes/db/data/up/secret d none bind 0 0", -1));
	CHECK(!rewrite(ENTRY "/volumes/db/data/magic d none bind 0 0", -1));
	CHECK(!rewrite(ENTRY "/volumes/db/data/../../../etc d none bind 0 0", -1));
	CHECK(mounts.count == 0);
}

static void test_missing_place(void)
{
	CHECK(!rewrite(ENTRY "/volumes/db/data/none d none bind,rw,create=dir 0 0", -1));
	check_rewritten(ENTRY "/volumes/db/data/none d none bind,optional,rw 0 0", "");
	CHECK(!rewrite(ENTRY "/volumes/db/data/none d none bind,xoptional 0 0", -1));
}

static void test_blanks(void)
{
	check_rewritten(ENTRY "/volumes/db/data/my\\040file f none bind 0 0",
		ENTRY SOURCE "0.file f none bind 0 0\n");
	tree_check_text(INNER "0.file", "blank");
	pv_mounts_undo(&mounts);
}

/* A link of the image leads within the image, not to the device's own /run. */
static void test_overlay(void)
{
	check_rewritten(ENTRY
		"/volumes/web/ovl var/run overlay lowerdir=/volumes/web/root/var/run,"
		"upperdir=/volumes/web/ovl/upper,workdir=/volumes/web/ovl/work,create=dir 0 0",
		ENTRY "/volumes/web/ovl var/run overlay lowerdir=" SOURCE "0,upperdir=" SOURCE
		      "1/upper,workdir=" SOURCE "1/work,create=dir 0 0\n");
	tree_check_text(INNER "0/real", "of the image");
	CHECK(!pv_exists(SOURCE "0/pantavisor"));
	/* The kernel takes upper and work directory from one mount only. */
	tree_folder("merged");
	CHECK(mount("overlay", "/merged", "overlay", 0,
		      "lowerdir=" SOURCE "0,upperdir=" SOURCE "1/upper,workdir=" SOURCE "1/work") == 0);
	tree_file("merged/written", "by the container");
	CHECK(umount("/merged") == 0);
	tree_check_text("volumes/web/ovl/upper/written", "by the container");
	pv_mounts_undo(&mounts);
	check_rewritten(ENTRY "x o overlay lowerdir=/a:/volumes/web/root/run:/volumes/web/root 0 0",
		ENTRY "x o overlay lowerdir=/a:" SOURCE "0:/volumes/web/root 0 0\n");
	pv_mounts_undo(&mounts);
}

static void test_links_in_place_of_an_overlays_directories_are_refused(void)
{
	static const char *const entries[] = {ENTRY
		"x o overlay upperdir=/volumes/db/data/root,workdir=/volumes/db/data/sub 0 0",
		ENTRY "x o overlay upperdir=/volumes/db/data/harmless,workdir=/volumes/db/data/sub 0 0",
		ENTRY "x o overlay upperdir=/volumes/db/data/sub,workdir=/volumes/db/data/up/etc 0 0",
		ENTRY
		"x o overlay upperdir=/volumes/db/data/sub/../../../etc,workdir=/volumes/db/data/sub 0 0",
		ENTRY "x o overlay upperdir=/volumes/db/data/none,workdir=/volumes/db/data/sub 0 0"};

	for (size_t i = 0; i < PV_COUNT(entries); i++) {
		CHECK(!rewrite(entries[i], -1));
		pv_mounts_undo(&mounts);
	}
}

int main(void)
{
	world_begin();
	world_enter();
	pv_log_set_level(PV_LOG_ERROR);
	make_volumes();
	test_what_is_no_place_in_a_volume_stays();
	test_place_in_a_volume_is_bound();
	test_links_stay_within_the_volume();
	test_missing_place();
	test_blanks();
	test_overlay();
	test_links_in_place_of_an_overlays_directories_are_refused();
	return check_done();
}
