/* SPDX-License-Identifier: MIT */
/* A container's mounts on the real kernel, from a storage that changes behind the verification's back. */
#include "alloc.h"
#include "file.h"
#include "text.h"
#include "web.h"

static void test_config_layer_is_what_the_state_lists(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "boot");
	/* After the verification, as by a writer to the disk in between. */
	tree_file("storage/trails/0/_config/web/sbin/init", "owned");
	tree_file("storage/trails/0/_config/web/etc/app/build.json", "{\"allow\":[\"*\"]}");
	CHECK(mknod("/storage/trails/0/_config/web/bin", S_IFCHR, 0) == 0);
	CHECK(setxattr("/storage/trails/0/_config/web/etc", "trusted.overlay.opaque", "y", 1, 0) == 0);
	CHECK(mount_web(pv, mounts) == 0);
	tree_check_text(ROOT "/etc/app.conf", "for web\n");
	tree_check_text(ROOT "/etc/app/build.json", "{\"allow\":[]}");
	tree_check_text(ROOT "/etc/hostname", "image");
	tree_check_text(ROOT "/bin/su", "su");
	CHECK(!pv_exists(ROOT "/sbin"));
	check_kept(ROOT "/etc", 0755);
	check_kept(ROOT "/etc/app.conf", 0644);
	check_kept(ROOT "/etc/app/build.json", 0644);
	CHECK(flags_of("/run/pantavisor/configs/web") == (ST_NOSUID | ST_NODEV | ST_RDONLY));
	end(pv, mounts);
}

static void test_changed_config_is_refused(struct pv *pv, struct pv_mounts *mounts)
{
	cleanup_free char *path = NULL;

	boot(pv, "boot");
	path = pv_fmt("storage/objects/%s", conf_id);
	tree_file(path, "for evil");
	CHECK(mount_web(pv, mounts) < 0);
	CHECK_HAS(err.text, "(_config/web/etc/app.conf): is corrupt");
	end(pv, mounts);
}

static void test_volume_is_the_object_that_was_hashed(struct pv *pv, struct pv_mounts *mounts)
{
	cleanup_free char *path = NULL, *kept = NULL;

	boot(pv, "boot");
	path = pv_fmt("/storage/objects/%s", image_id);
	kept = pv_fmt("%s.kept", path);
	CHECK(rename(path, kept) == 0);
	tree_file(path + 1, "another");
	CHECK(mount_web(pv, mounts) == 0);
	tree_check_text(ROOT "/etc/hostname", "image");
	CHECK(rename(kept, path) == 0);
	end(pv, mounts);
}

static void test_flags_of_mounts(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "permanent");
	CHECK(mount_web(pv, mounts) == 0);
	CHECK(flags_of("/volumes/web/root.squashfs") == (ST_NOSUID | ST_NODEV | ST_RDONLY));
	CHECK(flags_of("/volumes/web/docker--data") == (ST_NOSUID | ST_NODEV));
	CHECK(flags_of("/volumes/web/lxc-overlay") == (ST_NOSUID | ST_NODEV));
	/* su and sudo work in a container as they do in docker. */
	CHECK(flags_of(ROOT) == 0 && (look(ROOT "/bin/su").st_mode & S_ISUID));
	tree_file(ROOT "/written", "lasts");
	tree_check_text("storage/disks/perm/web/lxc-overlay/upper/written", "lasts");
	end(pv, mounts);
}

/* A root that is one volume, which nothing is laid over. */
/* Where the kernel looks for them, and before any container. */
static void test_modules_and_firmware_of_the_bsp(struct pv *pv, struct pv_mounts *mounts)
{
	static const char *const places[] = {"/lib/modules/6.1", "/lib/firmware"};

	boot(pv, "boot");
	strcpy(pv->release, "6.1");
	CHECK(pv_volume_mount_bsp(pv, &err) == 0);
	for (size_t i = 0; i < PV_COUNT(places); i++) {
		cleanup_free char *file = pv_fmt("%s/etc/hostname", places[i]);

		tree_check_text(file, "image");
		CHECK(flags_of(places[i]) == (ST_NOSUID | ST_NODEV | ST_RDONLY));
	}
	pv_mounts_undo(&pv->mounts);
	end(pv, mounts);
}

static void test_plain_root(struct pv *pv, struct pv_mounts *mounts)
{
	struct pv_container *web;

	strcpy(lxc_root, "/volumes/web/root.squashfs");
	boot(pv, "boot");
	web = pv->run->state.containers;
	web->has_config = false;
	CHECK(mount_web(pv, mounts) == 0);
	CHECK(flags_of(ROOT) == ST_RDONLY);
	end(pv, mounts);
	boot(pv, "boot");
	CHECK(mount_web(pv, mounts) == 0);
	CHECK(flags_of(ROOT) == ST_RDONLY);
	tree_check_text(ROOT "/etc/app.conf", "for web\n");
	end(pv, mounts);
	strcpy(lxc_root, "overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper");
}

static void test_links_on_the_storage_lead_nowhere(struct pv *pv, struct pv_mounts *mounts)
{
	static const char *const places[] = {"disks", "disks/perm", "disks/perm/web",
		"disks/perm/web/docker--data", "disks/perm/web/lxc-overlay",
		"disks/perm/web/lxc-overlay/upper", "disks/perm/web/lxc-overlay/work", "objects"};

	for (size_t i = 0; i < PV_COUNT(places); i++) {
		cleanup_free char *path = pv_fmt("storage/%s", places[i]),
				  *moved = pv_fmt("%s.moved", path);

		boot(pv, "permanent");
		CHECK(mount_web(pv, mounts) == 0);
		pv_mounts_undo(mounts);
		tree_move(path, moved);
		/* To itself in another place, which would do; or to the root, which would be the end. */
		tree_link(i % 2 ? "/" : strrchr(moved, '/') + 1, path);
		CHECK(mount_web(pv, mounts) < 0);
		CHECK_HAS(err.text, "a symbolic link");
		tree_unlink(path);
		tree_move(moved, path);
		end(pv, mounts);
	}
}

int main(void)
{
	static struct pv pv;
	struct pv_mounts mounts = {0};

	world_begin();
	make_image();
	world_enter();
	pv_log_set_level(PV_LOG_ERROR);
	test_config_layer_is_what_the_state_lists(&pv, &mounts);
	test_changed_config_is_refused(&pv, &mounts);
	test_volume_is_the_object_that_was_hashed(&pv, &mounts);
	test_flags_of_mounts(&pv, &mounts);
	test_modules_and_firmware_of_the_bsp(&pv, &mounts);
	test_plain_root(&pv, &mounts);
	test_links_on_the_storage_lead_nowhere(&pv, &mounts);
	return check_done();
}
