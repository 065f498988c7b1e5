/* SPDX-License-Identifier: MIT */
/* The container "web" of a storage tree, verified and mounted on the real kernel as PID 1 does it. */
#ifndef PV_TEST_WEB_H
#define PV_TEST_WEB_H

#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "alloc.h"
#include "beneath.h"
#include "file.h"
#include "firstuse.h"
#include "log.h"
#include "rootfs.h"
#include "text.h"
#include "verify.h"
#include "volume.h"
#include "world.h"

#define ROOT "/run/pantavisor/rootfs/web"

static struct pv_err err;
static char image_id[PV_SHA256_HEX + 1], conf_id[PV_SHA256_HEX + 1];
static char lxc_root[128] = "overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper";
static const char *lxc_mounts = "";
static const char *conf_text = "for web\n"; /* of each object but the image */

static inline void add_object(const char *path, char id[PV_SHA256_HEX + 1])
{
	cleanup_free char *from = tree_path(path), *folder = tree_path("storage/objects"), *to = NULL;
	cleanup_close int fd = open(from, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && pv_sha256_fd(fd, id, &err) == 0 && pv_mkdirs(folder, 0755, &err) == 0);
	to = pv_fmt("%s/%s", folder, id);
	CHECK(rename(from, to) == 0);
}

static inline void make_image(void)
{
	cleanup_free char *folder = tree_path("image"), *file = tree_path("image.squashfs");
	cleanup_free char *program = tree_path("image/bin/su"), *data = tree_path("image/data");
	cleanup_free char *tool = tree_path("image/data/deep/er/tool");
	/* VFS_CAP_REVISION_2 with CAP_NET_BIND_SERVICE permitted and effective. */
	static const unsigned char capability[20] = {1, 0, 0, 2, 0, 4};
	static const struct timespec times[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	const char *const argv[] = {
		"mksquashfs", folder, file, "-quiet", "-no-progress", "-processors", "1", NULL};

	tree_file("image/etc/hostname", "image");
	tree_file("image/bin/su", "su");
	tree_file("image/data/content", "content");
	tree_file("image/data/deep/er/tool", "tool");
	tree_link("/etc/hostname", "image/data/link");
	tree_link("data", "image/other");
	tree_fifo("image/data/fifo");
	CHECK(chown(tool, 33, 34) == 0 && chmod(tool, 04711) == 0);
	CHECK(setxattr(tool, "security.capability", capability, sizeof(capability), 0) == 0);
	CHECK(utimensat(AT_FDCWD, tool, times, 0) == 0);
	CHECK(chmod(program, 04755) == 0 && chown(data, 1000, 1001) == 0 && chmod(data, 02750) == 0);
	world_need(access("/dev/loop-control", R_OK | W_OK) == 0, "loop devices");
	world_run(argv);
	add_object("image.squashfs", image_id);
}

/* Of these three objects the trail is made by the verification itself. */
static inline void make_storage(const char *persistence)
{
	cleanup_free char *object = NULL, *state = NULL;

	tree_file("storage/config", conf_text);
	add_object("storage/config", conf_id);
	object = pv_fmt("/storage/objects/%s", conf_id);
	CHECK(chown(object, 1000, 1000) == 0 && chmod(object, 06777) == 0);
	state = pv_fmt(
		"{\"#spec\":\"pantavisor-service-system@1\",\"_config/web/etc/app.conf\":\"%s\","
		"\"_config/web/etc/app/build.json\":{\"allow\":[]},\"bsp/b\":\"%s\",\"bsp/"
		"m.squashfs\":\"%s\","
		"\"bsp/run.json\":{\"firmware\":\"m.squashfs\",\"initrd\":\"b\",\"linux\":\"b\","
		"\"modules\":\"m.squashfs\"},\"web/lxc.container.conf\":\"%s\","
		"\"web/root.squashfs\":\"%s\",\"web/run.json\":{\"#spec\":\"service-manifest-run@1\","
		"\"config\":\"lxc.container.conf\",\"name\":\"web\",\"root-volume\":\"root.squashfs\","
		"\"storage\":{"
		"\"docker--data\":{\"persistence\":\"permanent\"},\"docker--other\":{\"persistence\":"
		"\"boot\"},"
		"\"dockerovl--data\":{\"persistence\":\"revision\"},\"lxc-overlay\":{\"persistence\":"
		"\"%s\"}},"
		"\"type\":\"lxc\"}}",
		conf_id, conf_id, image_id, conf_id, image_id, persistence);
	tree_file("storage/trails/0/.pvr/json", state);
}

static inline void boot(struct pv *pv, const char *persistence)
{
	struct pv_verify options = {.revision = "0",
		.mode = PV_SECUREBOOT_DISABLED,
		.goals_timeout_s = 1,
		.release = "6.1",
		.repair = &pv_fsops_real,
		.checksum = true};
	struct pv_verified verified;

	make_storage(persistence);
	pv->storage = options.storage = pv_beneath_root("/storage", &err);
	pv->run = pv_run_new("0");
	CHECK(pv_verify_revision(&options, &pv->run->state, &pv->run->held, &verified, &err) == 0);
	/* The root of the container, and what the bsp boots. */
	CHECK(pv->run->state.container_count == 1 && pv->run->held.count == 2);
}

static inline int mount_web(const struct pv *pv, struct pv_mounts *mounts)
{
	cleanup_free char *text = pv_fmt("lxc.rootfs.path = %s\n%s", lxc_root, lxc_mounts);
	struct pv_firstuse use = {.ops = &pv_fsops_real};
	struct pv_lxcconf conf;
	int done;

	CHECK(pv_lxcconf_adapt(&conf, text, &err) == 0);
	done = pv_volume_mount_container(pv, pv->run, pv->run->state.containers, &use, mounts, &err);
	if (!done)
		done = pv_rootfs_mount(pv, pv->run, pv->run->state.containers, &conf, ROOT, mounts, &err);
	if (!done)
		done = pv_firstuse_fill(&use, "web", &conf, ROOT, &err);
	if (!done)
		done = pv_firstuse_finish(&use, &err);
	pv_firstuse_close(&use);
	pv_lxcconf_free(&conf);
	return done;
}

static inline int remove_below(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	return !ftw->level || pv_ends_with(path, image_id) || pv_ends_with(path, "/objects") ? 0
											     : remove(path);
}

static inline void end(struct pv *pv, struct pv_mounts *mounts)
{
	pv_mounts_undo(mounts);
	pv_run_free(pv->run);
	close(pv->storage);
	*pv = (struct pv){0};
	nftw("/storage", remove_below, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct stat look(const char *path)
{
	struct stat info = {0};

	CHECK(lstat(path, &info) == 0);
	return info;
}

static inline void check_kept(const char *path, mode_t mode)
{
	struct stat info = look(path);

	CHECK(info.st_uid == 0 && info.st_gid == 0 && (info.st_mode & 07777) == mode);
}

static inline unsigned long flags_of(const char *path)
{
	struct statvfs info = {0};

	CHECK(statvfs(path, &info) == 0);
	return info.f_flag & (ST_NOSUID | ST_NODEV | ST_RDONLY);
}

#endif
