/* SPDX-License-Identifier: MIT */
/* Volumes at their first use, and at the next ones. */
#include "alloc.h"
#include "file.h"
#include "text.h"
#include "web.h"

#define DATA "/volumes/web/docker--data"
#define PERM "storage/disks/perm/web/docker--data"

static const char entries[] =
	"lxc.mount.entry = /volumes/web/docker--data-x nowhere none bind 0 0\n"
	"lxc.mount.entry = /volumes/web/docker--data data none bind,rw,create=dir 0 0\n"
	"lxc.mount.entry = /volumes/web/docker--other other none bind,rw,create=dir 0 0\n"
	"lxc.mount.entry = /volumes/web/dockerovl--data /data overlay lowerdir=/x,upperdir=/y,create=dir 0 "
	"0\n";

static void check_is(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat info = look(path);

	if (info.st_uid != uid || info.st_gid != gid || info.st_mode != mode)
		fprintf(stderr, "%s is %u:%u %o\n", path, info.st_uid, info.st_gid, info.st_mode);
	CHECK(info.st_uid == uid && info.st_gid == gid && info.st_mode == mode);
}

static void check_content(const char *at)
{
	cleanup_free char *deep = pv_fmt("%s/deep", at), *tool = pv_fmt("%s/deep/er/tool", at);
	cleanup_free char *link = pv_fmt("%s/link", at), *fifo = pv_fmt("%s/fifo", at), *text = NULL;
	char target[64] = "", capability[20];
	size_t length;

	check_is(at, 1000, 1001, S_IFDIR | 02750);
	check_is(deep, 0, 0, S_IFDIR | 0755);
	check_is(tool, 33, 34, S_IFREG | 04711);
	check_is(fifo, 0, 0, S_IFIFO | 0644);
	CHECK(look(tool).st_mtim.tv_sec == 1000000000);
	CHECK(getxattr(tool, "security.capability", capability, sizeof(capability)) == sizeof(capability));
	CHECK(readlink(link, target, sizeof(target) - 1) > 0);
	CHECK_TEXT(target, "/etc/hostname");
	CHECK(pv_read_file(tool, 64, &text, &length, &err) == 0);
	CHECK_TEXT(text, "tool");
}

static void test_new_volume_takes_what_the_image_has(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "boot");
	CHECK(mount_web(pv, mounts) == 0);
	check_content(DATA);
	check_content("/" PERM);
	/* Of one in memory too, by a link of the image, which leads within the image. */
	check_content("/volumes/web/docker--other");
	/* An overlay shows the content by itself. */
	check_is("/volumes/web/dockerovl--data/upper", 1000, 1001, S_IFDIR | 02750);
	CHECK(!pv_exists("/volumes/web/dockerovl--data/upper/content"));
	CHECK(!pv_exists("/" PERM PV_FIRSTUSE_SUFFIX));
	end(pv, mounts);
}

static void test_used_volume_is_never_touched(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "boot");
	CHECK(mount_web(pv, mounts) == 0);
	tree_unlink(PERM "/content");
	tree_file(PERM "/own", "own");
	CHECK(chown("/" PERM, 5, 6) == 0);
	pv_mounts_undo(mounts);
	CHECK(mount_web(pv, mounts) == 0);
	check_is(DATA, 5, 6, S_IFDIR | 02750);
	CHECK(!pv_exists(DATA "/content") && pv_exists(DATA "/own"));
	end(pv, mounts);
	/* Nor one that an earlier version left empty. */
	boot(pv, "boot");
	tree_folder(PERM);
	CHECK(mount_web(pv, mounts) == 0);
	CHECK(!pv_exists(DATA "/content"));
	end(pv, mounts);
}

static void test_what_was_cut_off_is_made_anew(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "boot");
	tree_file(PERM PV_FIRSTUSE_SUFFIX "/half/of/it", "h");
	tree_link("/", PERM PV_FIRSTUSE_SUFFIX "/link");
	CHECK(mount_web(pv, mounts) == 0);
	check_content(DATA);
	CHECK(!pv_exists(DATA "/half") && !pv_exists("/" PERM PV_FIRSTUSE_SUFFIX));
	CHECK(pv_exists("/storage"));
	end(pv, mounts);
	/* A link there is no directory of ours. */
	boot(pv, "boot");
	tree_folder("storage/disks/perm/web");
	tree_folder("elsewhere");
	tree_link("/elsewhere", PERM PV_FIRSTUSE_SUFFIX);
	CHECK(mount_web(pv, mounts) == 0);
	CHECK(!pv_exists("/elsewhere/content"));
	check_content(DATA);
	end(pv, mounts);
}

static void test_full_storage_leaves_no_half_volume(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "boot");
	tree_folder("storage/disks");
	CHECK(mount("tmpfs", "/storage/disks", "tmpfs", 0, "size=4k") == 0);
	tree_file("storage/disks/filler", "fills the one page that there is");
	CHECK(mount_web(pv, mounts) < 0);
	CHECK_HAS(err.text, "volume docker--data cannot take the image's data");
	CHECK_HAS(err.text, "there is no room for it: only 0 bytes are left");
	CHECK(!pv_exists("/" PERM) && !pv_exists("/" PERM PV_FIRSTUSE_SUFFIX));
	pv_mounts_undo(mounts);
	tree_unlink("storage/disks/filler");
	CHECK(mount(NULL, "/storage/disks", NULL, MS_REMOUNT, "size=64k") == 0);
	CHECK(mount_web(pv, mounts) == 0);
	check_content(DATA);
	pv_mounts_undo(mounts);
	CHECK(umount("/storage/disks") == 0);
	end(pv, mounts);
}

/* As the mounts of a job that was killed: nothing of it is known but by the kernel. */
static void test_mounts_of_a_container_are_found_by_its_name(struct pv *pv, struct pv_mounts *mounts)
{
	struct pv_mounts others = {0};

	boot(pv, "permanent");
	CHECK(mount_web(pv, mounts) == 0);
	CHECK(pv_mount(&others, "tmpfs", "/volumes/web2", "tmpfs", 0, NULL, &err) == 0);
	CHECK(pv_mount(&others, "tmpfs", "/run/pantavisor/web/other", "tmpfs", 0, NULL, &err) == 0);
	pv_mounts_undo_container("we");
	CHECK(pv_exists(DATA "/content") && pv_exists(ROOT "/etc/hostname"));
	pv_mounts_undo_container("web");
	CHECK(!pv_exists(DATA "/content") && !pv_exists(ROOT "/etc/hostname"));
	CHECK(others.count == 2 && pv_exists("/volumes/web2"));
	pv_mounts_undo(&others);
	CHECK(umount("/volumes/web2") < 0 && umount("/run/pantavisor/web/other") < 0);
	CHECK(umount("/volumes/web/docker--data") < 0 && umount("/volumes/web/root.squashfs") < 0);
	end(pv, mounts);
}

static void test_volume_of_a_place_that_the_image_does_not_have(struct pv *pv, struct pv_mounts *mounts)
{
	lxc_mounts = "lxc.mount.entry = /volumes/web/docker--data none/such none bind,rw,create=dir 0 0\n";
	boot(pv, "permanent");
	CHECK(mount_web(pv, mounts) == 0);
	check_is(DATA, 0, 0, S_IFDIR | 0755);
	end(pv, mounts);
	lxc_mounts = entries;
}

int main(void)
{
	static struct pv pv;
	struct pv_mounts mounts = {0};

	world_begin();
	make_image();
	world_enter();
	pv_log_set_level(PV_LOG_ERROR);
	lxc_mounts = entries;
	test_new_volume_takes_what_the_image_has(&pv, &mounts);
	test_used_volume_is_never_touched(&pv, &mounts);
	test_what_was_cut_off_is_made_anew(&pv, &mounts);
	test_full_storage_leaves_no_half_volume(&pv, &mounts);
	test_volume_of_a_place_that_the_image_does_not_have(&pv, &mounts);
	test_mounts_of_a_container_are_found_by_its_name(&pv, &mounts);
	return check_done();
}
