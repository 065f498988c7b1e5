/* SPDX-License-Identifier: MIT */
/*
 * Small firmware in numbered variants, sent and installed as a device does it: kernel and initramfs and one
 * container, each variant with objects of its own and one that all share.
 */
#ifndef PV_TEST_FIRMWARE_H
#define PV_TEST_FIRMWARE_H

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "collect.h"
#include "progress.h"
#include "publish.h"
#include "resume.h"
#include "sha256.h"
#include "step.h"
#include "text.h"
#include "trail.h"
#include "upload.h"

enum {
	FIRMWARE_KERNEL,
	FIRMWARE_INITRD,
	FIRMWARE_TREE,
	FIRMWARE_ROOT,
	FIRMWARE_DATA,
	FIRMWARE_CONF,
	FIRMWARE_OBJECTS
};

struct firmware {
	char *contents[FIRMWARE_OBJECTS];
	char ids[FIRMWARE_OBJECTS][PV_SHA256_HEX + 1];
	char *text; /* of its state */
};

#ifndef FIRMWARE_BYTES
#define FIRMWARE_BYTES 1500
#endif

static inline int firmware_no_barrier(int fd, enum pv_barrier why)
{
	(void)fd;
	(void)why;
	return 0;
}

/* The real door but for the barriers: no test loses its power, and nothing syncs or freezes the file system
 * of the machine that it runs on. */
static inline const struct pv_fsops *firmware_door(void)
{
	static struct pv_fsops door;

	door = pv_fsops_real;
	door.sync_data = door.sync = door.sync_all = door.checkpoint = firmware_no_barrier;
	return &door;
}

static inline void firmware_free(struct firmware *firmware)
{
	for (int i = 0; i < FIRMWARE_OBJECTS; i++)
		free(firmware->contents[i]);
	free(firmware->text);
}

/* Longer than a sector, and different from its first byte on. */
static inline char *firmware_content(const char *what, int variant)
{
	char *content = pv_alloc(FIRMWARE_BYTES + 1, 1);

	memset(content, 'a' + variant % 26, FIRMWARE_BYTES);
	memcpy(content, what, strlen(what));
	content[FIRMWARE_BYTES - 1] = (char)('0' + variant % 10);
	return content;
}

static inline int firmware_make(struct firmware *firmware, int variant, struct pv_err *err)
{
	static const char *const what[] = {"kernel", "initrd", "tree", "root", "data"};

	for (int i = 0; i < FIRMWARE_CONF; i++)
		firmware->contents[i] = firmware_content(what[i], variant);
	firmware->contents[FIRMWARE_CONF] = pv_fmt("lxc.rootfs.path = /volumes/web/root.squashfs\n");
	for (int i = 0; i < FIRMWARE_OBJECTS; i++)
		if (pv_sha256_bytes(firmware->contents[i], strlen(firmware->contents[i]), firmware->ids[i],
			    err) < 0)
			return -1;
	firmware->text = pv_fmt(
		"{\"#spec\":\"pantavisor-service-system@1\",\"bsp/board.dtb\":\"%s\",\"bsp/initrd\":\"%s\","
		"\"bsp/kernel\":\"%s\",\"bsp/run.json\":{\"fdt\":\"board.dtb\",\"initrd\":\"initrd\","
		"\"linux\":\"kernel\"},\"web/data.squashfs\":\"%s\",\"web/lxc.container.conf\":\"%s\","
		"\"web/root.squashfs\":\"%s\",\"web/run.json\":{\"config\":\"lxc.container.conf\","
		"\"name\":\"web\",\"root-volume\":\"root.squashfs\",\"type\":\"lxc\",\"volumes\":"
		"[\"data.squashfs\"]}}",
		firmware->ids[FIRMWARE_TREE], firmware->ids[FIRMWARE_INITRD],
		firmware->ids[FIRMWARE_KERNEL], firmware->ids[FIRMWARE_DATA], firmware->ids[FIRMWARE_CONF],
		firmware->ids[FIRMWARE_ROOT]);
	return 0;
}

static inline int firmware_send_one(
	struct pv_storage at, const char *id, const char *content, struct pv_err *err)
{
	size_t length = strlen(content), half = length / 2;
	struct pv_upload upload;
	enum pv_upload_state state = pv_object_begin(at, id, length, &upload, err);

	if (state != PV_UPLOAD_OPEN)
		return state == PV_UPLOAD_THERE ? 0 : -1;
	if (upload.received > half)
		half = upload.received;
	if (pv_object_append(&upload, content + upload.received, half - upload.received, err) < 0 ||
		pv_object_append(&upload, content + half, length - half, err) < 0) {
		pv_object_stop(&upload);
		return -1;
	}
	return pv_object_finish(&upload, NULL, err);
}

static inline int firmware_send(struct pv_storage at, const struct firmware *firmware, struct pv_err *err)
{
	for (int i = 0; i < FIRMWARE_OBJECTS; i++)
		if (firmware_send_one(at, firmware->ids[i], firmware->contents[i], err) < 0)
			return -1;
	return 0;
}

static inline struct pv_verify firmware_options(int storage, const char *revision)
{
	return (struct pv_verify){.storage = storage,
		.revision = revision,
		.mode = PV_SECUREBOOT_DISABLED,
		.goals_timeout_s = 1,
		.release = "6.1",
		.checksum = true};
}

static inline int firmware_install(
	struct pv_storage at, const struct firmware *firmware, const char *revision, struct pv_err *err)
{
	struct pv_verify options = firmware_options(at.root, revision);
	struct pv_step step = {
		.revision = revision, .text = firmware->text, .length = strlen(firmware->text)};

	return pv_step_create(at, &options, &step, err);
}

/* By the verifier that boots. */
static inline int firmware_verify(int storage, const char *revision, struct pv_err *err)
{
	struct pv_verify options = firmware_options(storage, revision);
	struct pv_verified verified;
	struct pv_state state;

	if (pv_verify_revision(&options, &state, NULL, &verified, err) < 0)
		return -1;
	pv_state_free(&state);
	return 0;
}

#endif
