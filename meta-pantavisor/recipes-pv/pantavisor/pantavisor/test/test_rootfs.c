/* SPDX-License-Identifier: MIT */
/* A container's mounts on the real kernel, from a storage that changes behind the verification's back. */
#include "rootfs.h"

#include <sys/statvfs.h>

#include "beneath.h"
#include "log.h"
#include "verify.h"
#include "volume.h"
#include "world.h"

#define ROOT "/run/pantavisor/rootfs/web"

static struct pv_err err;
static char image_id[PV_SHA256_HEX + 1], conf_id[PV_SHA256_HEX + 1];
static char lxc_root[128] = "overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper";

static void add_object(const char *path, char id[PV_SHA256_HEX + 1])
{
	cleanup_free char *from = tree_path(path), *folder = tree_path("storage/objects"), *to = NULL;
	cleanup_close int fd = open(from, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && pv_sha256_fd(fd, id, &err) == 0 && pv_mkdirs(folder, 0755, &err) == 0);
	to = pv_fmt("%s/%s", folder, id);
	CHECK(rename(from, to) == 0);
}

static void make_image(void)
{
	cleanup_free char *folder = tree_path("image"), *file = tree_path("image.squashfs");
	cleanup_free char *program = tree_path("image/bin/su"), *data = tree_path("image/data");
	const char *const argv[] = {"mksquashfs", folder, file, "-quiet", "-no-progress", "-processors", "1", NULL};

	tree_file("image/etc/hostname", "image");
	tree_file("image/bin/su", "su");
	tree_file("image/data/content", "content");
	CHECK(chmod(program, 04755) == 0 && chown(data, 1000, 1001) == 0 && chmod(data, 0750) == 0);
	world_run(argv);
	add_object("image.squashfs", image_id);
}

/* Of these three objects the trail is made by the verification itself. */
static void make_storage(const char *persistence)
{
	cleanup_free char *object = NULL, *state = NULL;

	tree_file("storage/config", "for web\n");
	add_object("storage/config", conf_id);
	object = pv_fmt("/storage/objects/%s", conf_id);
	CHECK(chown(object, 1000, 1000) == 0 && chmod(object, 06777) == 0);
	state = pv_fmt(
		"{\"#spec\":\"pantavisor-service-system@1\",\"_config/web/etc/app.conf\":\"%s\","
		"\"_config/web/etc/app/build.json\":{\"allow\":[]},\"bsp/b\":\"%s\",\"bsp/run.json\":"
		"{\"initrd\":\"b\",\"linux\":\"b\"},\"web/lxc.container.conf\":\"%s\","
		"\"web/root.squashfs\":\"%s\",\"web/run.json\":{\"#spec\":\"service-manifest-run@1\","
		"\"config\":\"lxc.container.conf\",\"name\":\"web\",\"root-volume\":\"root.squashfs\",\"storage\":{"
		"\"docker--data\":{\"persistence\":\"permanent\"},\"lxc-overlay\":{\"persistence\":\"%s\"}},"
		"\"type\":\"lxc\"}}",
		conf_id, conf_id, conf_id, image_id, persistence);
	tree_file("storage/trails/0/.pvr/json", state);
}

static void boot(struct pv *pv, const char *persistence)
{
	struct pv_verify options = {.revision = "0", .mode = PV_SECUREBOOT_DISABLED, .goals_timeout_s = 1,
		.release = "6.1", .cure = true, .checksum = true};
	struct pv_verified verified;

	make_storage(persistence);
	pv->storage = options.storage = pv_beneath_root("/storage", &err);
	pv->revision = pv_dup("0", 1);
	CHECK(pv_verify_revision(&options, &pv->state, &pv->held, &verified, &err) == 0);
	CHECK(pv->state.container_count == 1 && pv->held.count == 1);
}

static int mount_web(const struct pv *pv, struct pv_mounts *mounts)
{
	cleanup_free char *text = pv_fmt("lxc.rootfs.path = %s\n", lxc_root);
	struct pv_lxcconf conf;
	int done;

	CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
	done = pv_volume_mount_container(pv, pv->state.containers, mounts, &err);
	if (!done)
		done = pv_rootfs_mount(pv, pv->state.containers, &conf, ROOT, mounts, &err);
	pv_lxcconf_free(&conf);
	return done;
}

static int remove_below(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	return !ftw->level || pv_ends_with(path, image_id) || pv_ends_with(path, "/objects") ? 0 : remove(path);
}

static void end(struct pv *pv, struct pv_mounts *mounts)
{
	pv_mounts_undo(mounts);
	pv_held_close(&pv->held);
	pv_state_free(&pv->state);
	close(pv->storage);
	free(pv->revision);
	*pv = (struct pv){0};
	nftw("/storage", remove_below, 8, FTW_DEPTH | FTW_PHYS);
}

static struct stat look(const char *path)
{
	struct stat info = {0};

	CHECK(lstat(path, &info) == 0);
	return info;
}

static void check_kept(const char *path, mode_t mode)
{
	struct stat info = look(path);

	CHECK(info.st_uid == 0 && info.st_gid == 0 && (info.st_mode & 07777) == mode);
}

static unsigned long flags_of(const char *path)
{
	struct statvfs info = {0};

	CHECK(statvfs(path, &info) == 0);
	return info.f_flag & (ST_NOSUID | ST_NODEV | ST_RDONLY);
}

static void test_config_layer_is_what_the_state_lists(struct pv *pv, struct pv_mounts *mounts)
{
	boot(pv, "boot");
	/* After the verification, as somebody would who writes to the disk in between. */
	tree_file("storage/trails/0/_config/web/sbin/init", "owned");
	tree_file("storage/trails/0/_config/web/etc/app/build.json", "{\"allow\":[\"*\"]}");
	CHECK(mknod("/storage/trails/0/_config/web/bin", S_IFCHR, 0) == 0);
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
static void test_plain_root(struct pv *pv, struct pv_mounts *mounts)
{
	struct pv_container *web;

	strcpy(lxc_root, "/volumes/web/root.squashfs");
	boot(pv, "boot");
	web = pv->state.containers;
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
	static const char *const places[] = {"disks", "disks/perm", "disks/perm/web", "disks/perm/web/docker--data",
		"disks/perm/web/lxc-overlay", "disks/perm/web/lxc-overlay/upper", "disks/perm/web/lxc-overlay/work",
		"objects"};

	for (size_t i = 0; i < PV_COUNT(places); i++) {
		cleanup_free char *path = pv_fmt("storage/%s", places[i]), *moved = pv_fmt("%s.moved", path);

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
	test_plain_root(&pv, &mounts);
	test_links_on_the_storage_lead_nowhere(&pv, &mounts);
	return check_done();
}
