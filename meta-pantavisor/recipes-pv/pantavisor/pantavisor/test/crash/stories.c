/* SPDX-License-Identifier: MIT */
#include "stories.h"

#include <fcntl.h>
#include <unistd.h>

#include "beneath.h"
#include "bootnotes.h"
#include "durable.h"
#include "firstuse.h"

static int open_device(struct device *device, int root, const struct pv_fsops *ops)
{
	device->at = (struct pv_storage){root, ops};
	device->publisher = (struct pv_publisher){device->at, PV_BOOTENV_GRUB, &device->env};
	return 0;
}

int device_make(const struct named_story *story, struct device *device, int root)
{
	memset(device, 0, sizeof(*device));
	for (int i = 0; i < FIRMWARES; i++)
		TRY(firmware_make(&device->firmwares[i], i, &device->err));
	open_device(device, root, firmware_door());
	strcpy(device->env.revision, FACTORY_NAME);
	TRY(firmware_send(device->at, &device->firmwares[FACTORY], &device->err));
	TRY(firmware_install(device->at, &device->firmwares[FACTORY], FACTORY_NAME, &device->err));
	TRY(pv_publish_commit(&device->publisher, FACTORY_NAME, "", &device->err));
	TRY(pv_bootnotes_make(device->at, &device->env, &device->err));
	TRY(pv_progress_note(device->at, FACTORY_NAME, PV_PROGRESS_DONE, "Factory revision", &device->err));
	close(pv_durable_mkdirs(device->at, "trails/locals", &device->err));
	if (story->before)
		TRY(story->before(device));
	return open_device(device, root, &record_ops);
}

void device_free(struct device *device)
{
	for (int i = 0; i < FIRMWARES; i++)
		firmware_free(&device->firmwares[i]);
}

void device_know(const struct device *device, struct oracle *oracle)
{
	for (oracle->count = 0; oracle->count < FIRMWARES; oracle->count++) {
		oracle->revisions[oracle->count] = revision_names[oracle->count];
		oracle->firmware[oracle->count] = &device->firmwares[oracle->count];
	}
}

static int update(struct device *device, int which, int running)
{
	TRY(device_install(device, which, running));
	TRY(device_publish(device, which, running));
	TRY(device_boot(device, which, running));
	TRY(device_note(device, which, "INPROGRESS TESTING", PV_PROGRESS_TESTING));
	return device_commit(device, which, running);
}

static int update_with_reboot(struct device *device)
{
	TRY(update(device, FIRST, FACTORY));
	return device_collect(device, FIRST);
}

/* Twice, and the first one is collected: what boots is still that of the factory. */
static int update_without_reboot(struct device *device)
{
	TRY(device_install(device, FIRST, FACTORY));
	TRY(device_publish(device, FIRST, FACTORY));
	TRY(device_note(device, FIRST, "INPROGRESS TESTING", PV_PROGRESS_TESTING));
	TRY(device_note(device, FIRST, "TESTING UPDATED", PV_PROGRESS_UPDATED));
	record_expect(FIRST_NAME, NULL, NULL);
	TRY(firmware_send(device->at, &device->firmwares[SECOND], &device->err));
	TRY(firmware_install(device->at, &device->firmwares[SECOND], SECOND_NAME, &device->err));
	record_promise(SECOND_NAME, "NEW");
	record_expect(FIRST_NAME, SECOND_NAME, NULL);
	TRY(pv_publish_try(&device->publisher, SECOND_NAME, &device->err));
	record_expect(SECOND_NAME, NULL, NULL);
	TRY(device_note(device, SECOND, "NEW UPDATED", PV_PROGRESS_UPDATED));
	record_promise(FIRST_NAME, NULL);
	return device_collect(device, SECOND);
}

/* One that fails after a boot, and one that fails without: the boot loader is told, or need not be. */
static int fall_back(struct device *device)
{
	TRY(device_install(device, FIRST, FACTORY));
	TRY(device_publish(device, FIRST, FACTORY));
	TRY(device_boot(device, FIRST, FACTORY));
	TRY(device_note(device, FIRST, "INPROGRESS ERROR", PV_PROGRESS_ERROR));
	TRY(device_boot(device, FACTORY, FACTORY));
	TRY(pv_publish_forget(&device->publisher, &device->err));
	TRY(device_install(device, SECOND, FACTORY));
	TRY(device_publish(device, SECOND, FACTORY));
	record_expect(FACTORY_NAME, SECOND_NAME, NULL);
	TRY(pv_publish_forget(&device->publisher, &device->err));
	record_expect(FACTORY_NAME, NULL, NULL);
	TRY(device_note(device, SECOND, "INPROGRESS WONTGO", PV_PROGRESS_WONTGO));
	record_promise(FIRST_NAME, NULL);
	record_promise(SECOND_NAME, NULL);
	return device_collect(device, FACTORY);
}

/* Of what the factory wrote, with its logs and volumes, once two others are good. */
static int collection(struct device *device)
{
	TRY(update(device, FIRST, FACTORY));
	TRY(pv_durable_write(device->at, "logs/0/web/console.log", "x", 1, &device->err));
	TRY(pv_durable_write(device->at, "disks/rev/0/web/data", "x", 1, &device->err));
	TRY(update(device, SECOND, FIRST));
	/* The next generation comes at once, as where a client takes back what it asked for. */
	TRY(pv_publish_forget(&device->publisher, &device->err));
	record_promise(FACTORY_NAME, NULL);
	return device_collect(device, SECOND);
}

/* Begins as the others; from some call on there is no room, which main() sees to. Then it is made. */
static int full_disk(struct device *device)
{
	int done = device_install(device, THIRD, FACTORY);

	if (done == 0)
		done = device_publish(device, THIRD, FACTORY);
	record_promise(THIRD_NAME, NULL);
	TRY(device_collect(device, FACTORY));
	return done;
}

/* A volume takes what the image has at its place, and then what a container writes. */
static int fill_volume(struct device *device, struct pv_firstuse *use, int parent)
{
	int image = pv_beneath_open(device->at.root, "trails/0/web", O_RDONLY | O_DIRECTORY, &device->err);
	int done = image < 0 || pv_firstuse_open(use, parent, "data", &device->err) < 0 ||
				   pv_firstuse_fill_one(use, use->volumes, image, &device->err) < 0 ||
				   pv_firstuse_finish(use, &device->err) < 0
			   ? -1
			   : 0;

	close(image);
	return done;
}

static int first_use(struct device *device)
{
	struct pv_firstuse use = {.ops = device->at.ops};
	int parent, done;

	record_expect(FACTORY_NAME, NULL, NULL);
	parent = pv_durable_mkdirs(device->at, "disks/perm/web", &device->err);
	done = parent < 0 ? -1 : fill_volume(device, &use, parent);
	pv_firstuse_close(&use);
	close(parent);
	TRY(done);
	TRY(pv_durable_write(device->at, ORACLE_VOLUME "/kept", "x", 1, &device->err));
	record_promise_path(ORACLE_VOLUME "/kept");
	return 0;
}

static int lose(struct device *device, const char *path)
{
	const char *name;
	int folder = pv_durable_parent(device->at, path, &name, &device->err);
	int done = folder < 0 ? -1
			      : pv_durable_remove_tree(
					(struct pv_storage){folder, device->at.ops}, name, &device->err);

	close(folder);
	return done;
}

/* The boot environment as other tools left it: one copy, without a generation, and no notes of GRUB. */
static int other_tool(struct device *device)
{
	static const char head[] = "# GRUB Environment Block\npv_rev=" FIRST_NAME "\npv_try=\n";
	char block[PV_BOOTENV_BYTES];

	TRY(firmware_send(device->at, &device->firmwares[FIRST], &device->err));
	TRY(firmware_install(device->at, &device->firmwares[FIRST], FIRST_NAME, &device->err));
	memset(block, '#', sizeof(block));
	memcpy(block, head, strlen(head));
	TRY(pv_durable_replace(device->at, "boot/grubenv", block, sizeof(block), &device->err));
	TRY(lose(device, "boot/grubenv2"));
	return lose(device, "boot/grubtry");
}

/* The power went between the two copies of a commit. */
static int half_committed(struct device *device)
{
	char block[PV_BOOTENV_BYTES];
	struct pv_bootenv old;

	TRY(other_tool(device));
	TRY(pv_publish_commit(&device->publisher, FACTORY_NAME, "", &device->err));
	old = device->env;
	TRY(pv_publish_commit(&device->publisher, FIRST_NAME, FACTORY_NAME, &device->err));
	pv_bootenv_render(PV_BOOTENV_GRUB, &old, block);
	return pv_durable_replace(device->at, "boot/grubenv2", block, sizeof(block), &device->err);
}

static int take_over(struct device *device)
{
	record_expect(FIRST_NAME, NULL, NULL);
	pv_bootenv_load(device->at.root, PV_BOOTENV_GRUB, &device->env);
	TRY(pv_bootnotes_make(device->at, &device->env, &device->err));
	TRY(pv_publish_forget(&device->publisher, &device->err));
	return pv_publish_forget(&device->publisher, &device->err);
}

/* A revision that has lost one of its links boots, and has it again. */
static int lose_link(struct device *device)
{
	return lose(device, "trails/0/web/data.squashfs");
}

static int repair(struct device *device)
{
	struct pv_verify options = firmware_options(device->at.root, FACTORY_NAME);
	struct pv_verified verified;
	struct pv_state state;

	record_expect(FACTORY_NAME, NULL, NULL);
	options.repair = device->at.ops;
	TRY(pv_verify_revision(&options, &state, NULL, &verified, &device->err));
	pv_state_free(&state);
	return 0;
}

const struct named_story stories[] = {
	{"update with reboot", update_with_reboot, NULL},
	{"update without reboot", update_without_reboot, NULL},
	{"fall back", fall_back, NULL},
	{"collection", collection, NULL},
	{"full disk", full_disk, NULL},
	{"first use", first_use, NULL},
	{"taking over", take_over, other_tool},
	{"half committed", take_over, half_committed},
	{"repair", repair, lose_link},
};
const size_t story_count = PV_COUNT(stories);

int device_go_on(struct device *device)
{
	struct pv_keep keep = {.revisions = revision_names, .count = 1};
	struct pv_collected collected;

	open_device(device, device->at.root, firmware_door());
	pv_bootenv_load(device->at.root, PV_BOOTENV_GRUB, &device->env);
	TRY(pv_resume(device->at, &device->err));
	TRY(pv_collect(device->at, PV_BOOTENV_GRUB, &keep, &collected, &device->err));
	TRY(firmware_send(device->at, &device->firmwares[THIRD], &device->err));
	TRY(firmware_install(device->at, &device->firmwares[THIRD], THIRD_NAME, &device->err));
	TRY(pv_publish_try(&device->publisher, THIRD_NAME, &device->err));
	return firmware_verify(device->at.root, THIRD_NAME, &device->err);
}
