/* SPDX-License-Identifier: MIT */
#include "actions.h"

#include <fcntl.h>
#include <unistd.h>

#include "beneath.h"
#include "loader.h"

const char *const revision_names[FIRMWARES] = {FACTORY_NAME, FIRST_NAME, SECOND_NAME, THIRD_NAME};

int device_note(
	struct device *device, int which, const char *while_it_lasts, enum pv_progress_status status)
{
	record_promise(revision_names[which], while_it_lasts);
	TRY(pv_progress_note(
		device->at, revision_names[which], status, "as the story has it", &device->err));
	record_promise(revision_names[which], pv_progress_name(status));
	return 0;
}

int device_install(struct device *device, int which, int running)
{
	record_expect(revision_names[running], NULL, NULL);
	TRY(firmware_send(device->at, &device->firmwares[which], &device->err));
	TRY(firmware_install(device->at, &device->firmwares[which], revision_names[which], &device->err));
	record_promise(revision_names[which], "NEW");
	return device_note(device, which, "NEW INPROGRESS", PV_PROGRESS_INPROGRESS);
}

int device_publish(struct device *device, int which, int running)
{
	record_expect(revision_names[running], revision_names[which], NULL);
	TRY(pv_publish_try(&device->publisher, revision_names[which], &device->err));
	record_expect(revision_names[which], NULL, NULL);
	return 0;
}

int device_boot(struct device *device, int which, int committed)
{
	cleanup_free struct disk *disk = pv_alloc(1, sizeof(*disk));
	int fd = pv_beneath_open(device->at.root, "boot/grubtry", O_RDWR, &device->err);
	struct loader_choice choice;
	char block[1024];

	record_reboot();
	disk_scan(disk, device->at.root);
	if (!loader_choose(disk, disk, &choice) || strcmp(choice.revision, revision_names[which]))
		abort();
	for (size_t i = 0; i < DISK_NODES; i++)
		free((void *)(uintptr_t)disk->files[i].bytes);
	record_expect(revision_names[which], revision_names[committed], NULL);
	loader_note(&choice, block);
	record_loader(fd, block, sizeof(block));
	close(fd);
	record_expect(revision_names[committed], NULL, NULL);
	TRY(pv_resume(device->at, &device->err));
	return pv_resume_records(device->at, &device->env, revision_names[which], &device->err);
}

int device_commit(struct device *device, int which, int before)
{
	record_expect(revision_names[before], revision_names[which], NULL);
	TRY(pv_publish_commit(
		&device->publisher, revision_names[which], revision_names[before], &device->err));
	record_expect(revision_names[which], NULL, NULL);
	return device_note(device, which, "INPROGRESS TESTING DONE", PV_PROGRESS_DONE);
}

int device_collect(struct device *device, int running)
{
	const struct pv_keep keep = {.revisions = &revision_names[running], .count = 1};
	struct pv_collected collected;

	return pv_collect(device->at, PV_BOOTENV_GRUB, &keep, &collected, &device->err);
}
