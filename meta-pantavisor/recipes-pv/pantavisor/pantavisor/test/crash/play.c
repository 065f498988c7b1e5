/* SPDX-License-Identifier: MIT */
/*
 * What a device does, a step at a time, on a file system that is mounted:
 *
 *   play FOLDER make                 a storage as a factory writes it
 *   play FOLDER install N            objects and the revision
 *   play FOLDER publish N | forget | commit N BEFORE | collect N
 *   play FOLDER progress N STATUS    by its number
 *   play DEVICE repair                 before it is mounted: a superblock that was torn
 *   play FOLDER note                 what the boot loader writes; prints its choice
 *   play FOLDER judge N              boots revision N: what was cut off is removed, all that is there is
 * whole
 *
 * N is one of 0, locals/first, locals/second and 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "beneath.h"
#include "bootnotes.h"
#include "durable.h"
#include "loader.h"
#include "oracle.h"
#include "storage.h"

static const char *const names[] = {"0", "locals/first", "locals/second", "3"};
static struct pv_err err;
static struct pv_storage at;
static struct pv_bootenv env;
static struct pv_publisher publisher;

static int variant_of(const char *revision)
{
	for (size_t i = 0; i < PV_COUNT(names); i++)
		if (!strcmp(names[i], revision))
			return (int)i;
	return pv_err_set(&err, "there is no revision %s", revision);
}

static int install(const char *revision)
{
	int variant = variant_of(revision);
	struct firmware firmware = {0};

	if (variant < 0 || firmware_make(&firmware, variant, &err) < 0 ||
		firmware_send(at, &firmware, &err) < 0 ||
		firmware_install(at, &firmware, revision, &err) < 0)
		return -1;
	firmware_free(&firmware);
	return 0;
}

static int make(void)
{
	cleanup_close int locals = pv_durable_mkdirs(at, "trails/locals", &err);

	if (locals < 0 || install("0") < 0 || pv_bootnotes_make(at, &env, &err) < 0)
		return -1;
	return pv_publish_commit(&publisher, "0", "", &err);
}

static int collect(const char *running)
{
	const char *const revisions[] = {running};
	const struct pv_keep keep = {.revisions = revisions, .count = 1};
	struct pv_collected collected;

	return pv_collect(at, PV_BOOTENV_GRUB, &keep, &collected, &err);
}

static int note(void)
{
	cleanup_free struct disk *disk = pv_alloc(1, sizeof(*disk));
	cleanup_close int fd = pv_beneath_open(at.root, "boot/grubtry", O_WRONLY, &err);
	struct loader_choice choice;
	char block[1024];

	disk_scan(disk, at.root);
	if (fd < 0 || !loader_choose(disk, disk, &choice))
		return pv_err_set(&err, "nothing to boot");
	loader_note(&choice, block);
	puts(choice.revision);
	return pwrite(fd, block, sizeof(block), 0) == sizeof(block) && fdatasync(fd) == 0 ? 0 : -1;
}

static int verify_one(void *context, const char *revision, struct pv_err *error)
{
	int variant = variant_of(revision);
	cleanup_free char *path = pv_fmt("trails/%s/.pvr/json", revision), *text = NULL;
	struct firmware firmware = {0};
	size_t length;
	bool same;

	(void)context;
	if (variant < 0 || firmware_verify(at.root, revision, error) < 0 ||
		pv_beneath_read(at.root, path, PV_JSON_TEXT_BYTES, &text, &length, error) < 0 ||
		firmware_make(&firmware, variant, error) < 0)
		return -1;
	same = !strcmp(text, firmware.text);
	firmware_free(&firmware);
	return same ? 0 : pv_err_set(error, "revision %s has another state", revision);
}

static int find_leftover(void *context, const char *revision, struct pv_err *error)
{
	(void)context;
	return pv_err_set(error, "something of revision %s is left", revision);
}

static int verify_object(int folder, const char *name)
{
	char hex[PV_SHA256_HEX + 1];
	cleanup_close int fd = pv_beneath_file(folder, name, &err);

	if (fd < 0 || pv_sha256_fd(fd, hex, &err) < 0)
		return -1;
	return strcmp(hex, name) ? pv_err_set(&err, "object %.12s is not what its name says", name) : 0;
}

static int verify_objects(void)
{
	cleanup_close int folder = pv_beneath_open(at.root, "objects", O_RDONLY | O_DIRECTORY, &err);
	cleanup_dir DIR *dir = folder < 0 ? NULL : fdopendir(dup(folder));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (pv_sha256_is(entry->d_name) && verify_object(folder, entry->d_name) < 0)
			return -1;
	return dir ? 0 : -1;
}

static int judge(const char *revision)
{
	if (pv_resume(at, &err) < 0 || pv_resume_records(at, &env, revision, &err) < 0 ||
		verify_objects() < 0 || pv_trail_list(at.root, "", verify_one, NULL, &err) < 0 ||
		pv_trail_list(at.root, PV_TRAIL_NEW, find_leftover, NULL, &err) < 0 ||
		pv_trail_list(at.root, PV_TRAIL_DEAD, find_leftover, NULL, &err) < 0)
		return -1;
	return verify_one(NULL, revision, &err);
}

static int play(char **words)
{
	if (!strcmp(words[0], "make"))
		return make();
	if (!strcmp(words[0], "note"))
		return note();
	if (!strcmp(words[0], "forget"))
		return pv_publish_forget(&publisher, &err);
	if (!words[1])
		return pv_err_set(&err, "a revision is missing");
	if (!strcmp(words[0], "install"))
		return install(words[1]);
	if (!strcmp(words[0], "publish"))
		return pv_publish_try(&publisher, words[1], &err);
	if (!strcmp(words[0], "collect"))
		return collect(words[1]);
	if (!strcmp(words[0], "judge"))
		return judge(words[1]);
	if (!strcmp(words[0], "commit") && words[2])
		return pv_publish_commit(&publisher, words[1], words[2], &err);
	if (!strcmp(words[0], "progress") && words[2] && (unsigned)atoi(words[2]) < PV_PROGRESS_STATUSES)
		return pv_progress_note(at, words[1], (enum pv_progress_status)atoi(words[2]), "", &err);
	return pv_err_set(&err, "there is no step %s", words[0]);
}

int main(int argc, char **argv)
{
	int root, done;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[2], "repair"))
		return pv_storage_repair(argv[1], &err) == 1 ? 0 : 1;
	root = pv_beneath_root(argv[1], &err);
	at = pv_storage_at(root);
	publisher = (struct pv_publisher){at, PV_BOOTENV_GRUB, &env};
	if (root >= 0)
		pv_bootenv_load(root, PV_BOOTENV_GRUB, &env);
	done = root < 0 ? -1 : play(argv + 2);
	if (done < 0)
		printf("%s\n", err.text);
	return done < 0 ? 1 : 0;
}
