/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "durable.h"
#include "loader.h"

#define STATE "state"
#define VERIFIED_ANYWAY 16

static bool fail(struct oracle *oracle, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct oracle *oracle, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(oracle->why, sizeof(oracle->why), format, args);
	va_end(args);
	return false;
}

static const struct firmware *firmware_of(const struct oracle *oracle, const char *revision)
{
	for (size_t i = 0; i < oracle->count; i++)
		if (!strcmp(oracle->revisions[i], revision))
			return oracle->firmware[i];
	return NULL;
}

static uint64_t hash_of(const char *content)
{
	return disk_mix(strlen(content) + 7, content, strlen(content));
}

/* The kernel that it finds by its names, which may be old ones, is whole, and no one else's by now. */
static bool loads(struct oracle *oracle, const struct cut *cut, const struct disk *names,
	const char *revision, const char *file, int which)
{
	const struct firmware *firmware = firmware_of(oracle, revision);
	cleanup_free char *path = pv_fmt("trails/%s/.pv/%s", revision, file);
	short node = disk_find(names, path);

	if (!firmware || node == GONE || !disk_is_linked(cut->disk, node) ||
		cut->disk->files[node].hash != hash_of(firmware->contents[which]))
		return fail(oracle, "the boot loader starts revision %s, whose %s is not whole", revision,
			file);
	return true;
}

static bool is_expected(const struct cut *cut, const char *revision)
{
	for (int i = 0; i < EXPECTED; i++)
		if (cut->expected[i] && !strcmp(cut->expected[i], revision))
			return true;
	return false;
}

static bool judge_loader(struct oracle *oracle, const struct cut *cut, const struct disk *names,
	const char *view, struct loader_choice *choice)
{
	if (!loader_choose(names, cut->disk, choice))
		return fail(oracle, "BRICK: the boot loader, %s, finds nothing to boot", view);
	if (!loads(oracle, cut, names, choice->revision, "pv-kernel.img", FIRMWARE_KERNEL) ||
		!loads(oracle, cut, names, choice->revision, "pv-initrd.img", FIRMWARE_INITRD))
		return false;
	if (!is_expected(cut, choice->revision))
		return fail(oracle, "the boot loader, %s, chooses revision %s", view, choice->revision);
	return true;
}

/* No object under its name is anything else. */
static bool judge_objects(struct oracle *oracle, const struct disk *disk)
{
	short folder = disk_find(disk, "objects");

	for (size_t i = 0; i < disk->entry_count; i++) {
		const char *name = disk_world.names[disk->entries[i].name];
		bool known = false;

		if (disk->entries[i].folder != folder || !pv_sha256_is(name))
			continue;
		for (size_t f = 0; f < oracle->count; f++)
			for (int o = 0; o < FIRMWARE_OBJECTS; o++)
				known |= !strcmp(oracle->firmware[f]->ids[o], name) &&
					 disk->files[disk->entries[i].child].hash ==
						 hash_of(oracle->firmware[f]->contents[o]);
		if (!known)
			return fail(oracle, "object %.12s is not what its name says", name);
	}
	return true;
}

/* A volume that has its name has all that the image put into it. */
static bool judge_volume(struct oracle *oracle, const struct disk *disk)
{
	static const struct {
		const char *path;
		int which;
	} files[] = {{ORACLE_VOLUME "/root.squashfs", FIRMWARE_ROOT},
		{ORACLE_VOLUME "/data.squashfs", FIRMWARE_DATA},
		{ORACLE_VOLUME "/lxc.container.conf", FIRMWARE_CONF}};

	for (size_t i = 0; disk_find(disk, ORACLE_VOLUME) != GONE && i < PV_COUNT(files); i++) {
		short node = disk_find(disk, files[i].path);

		if (node == GONE ||
			disk->files[node].hash != hash_of(oracle->firmware[0]->contents[files[i].which]))
			return fail(oracle, "%s is not whole", files[i].path);
	}
	return true;
}

/* A revision and the objects of its firmware, as they are in this state: by names, nodes and bytes. */
static uint64_t look_of(const struct oracle *oracle, const char *revision)
{
	const struct firmware *firmware = firmware_of(oracle, revision);
	cleanup_free char *path = pv_fmt("trails/%s", revision);
	short node = disk_find(oracle->disk, path);
	uint64_t look = node == GONE ? 0 : disk_hash_of(oracle->disk, node);

	for (int i = 0; firmware && i < FIRMWARE_OBJECTS; i++) {
		cleanup_free char *object = pv_fmt("objects/%s", firmware->ids[i]);

		node = disk_find(oracle->disk, object);
		look = disk_mix(look, &node, sizeof(node));
	}
	return look;
}

/* The verifier says the same of the same revision: most states differ elsewhere. Some are verified all the
 * same, for what the boot might have done to them. */
static int verify_one(void *context, const char *revision, struct pv_err *err)
{
	struct oracle *oracle = context;
	uint64_t look = look_of(oracle, revision);
	size_t i = 0;

	while (i < oracle->verified_count && oracle->verified[i] != look)
		i++;
	if (i < oracle->verified_count && oracle->judged % VERIFIED_ANYWAY)
		return 0;
	if (firmware_verify(oracle->root, revision, err) < 0)
		return pv_err_wrap(err, "revision %s", revision);
	if (i == oracle->verified_count && i < ORACLE_VERIFIED)
		oracle->verified[oracle->verified_count++] = look;
	return 0;
}

static int find_leftover(void *context, const char *revision, struct pv_err *err)
{
	(void)context;
	return pv_err_set(err, "something of revision %s is left", revision);
}

static bool keeps_promises(struct oracle *oracle, const struct cut *cut, int root)
{
	for (size_t i = 0; i < cut->promise_count; i++) {
		const struct promise *promise = &cut->promises[i];
		bool later = false, held = false;
		struct pv_progress progress;
		struct pv_err err;

		if (promise->path && disk_find(cut->disk, promise->path) == GONE)
			return fail(oracle, "%s is gone, after call %zu", promise->path, cut->after);
		for (size_t j = i + 1; j < cut->promise_count; j++)
			later |= !strcmp(cut->promises[j].revision, promise->revision);
		if (later || !promise->status)
			continue;
		held = pv_progress_load(root, promise->revision, &progress, &err) == 0 &&
		       strstr(promise->status, pv_progress_name(progress.status));
		if (!held)
			return fail(oracle, "revision %s was promised to be %s, after call %zu",
				promise->revision, promise->status, cut->after);
	}
	return true;
}

/* The boot of what was chosen; what it does about the storage goes through `ops`. */
static bool judge_boot(struct oracle *oracle, const struct pv_fsops *ops, int root, const char *revision)
{
	cleanup_free char *chosen = pv_fmt("trails/%s", revision);
	struct pv_storage at = {root, ops};
	struct pv_bootenv env;
	struct pv_err err = {0};

	pv_bootenv_load(root, PV_BOOTENV_GRUB, &env);
	if (pv_resume(at, &err) < 0 || pv_resume_records(at, &env, revision, &err) < 0)
		return fail(oracle, "the boot cannot go on from it: %s", err.text);
	if (pv_trail_list(root, "", verify_one, oracle, &err) < 0)
		return fail(oracle, "not whole: %s", err.text);
	if (pv_trail_list(root, PV_TRAIL_NEW, find_leftover, NULL, &err) < 0 ||
		pv_trail_list(root, PV_TRAIL_DEAD, find_leftover, NULL, &err) < 0)
		return fail(oracle, "%s", err.text);
	if (!pv_beneath_has(root, chosen))
		return fail(oracle, "revision %s was chosen and is not there", revision);
	return true;
}

/* Cut again during that boot. The numbers of the second disk's nodes are its own. */
static bool judge_second(struct oracle *oracle, const struct cut *cut, int root, const char *revision)
{
	cleanup_free struct disk_world *outer = pv_alloc(1, sizeof(*outer));
	struct recorder kept = recorder;
	struct oracle inner = *oracle;
	struct cuts cuts = {.full = 32, .deviating = 1, .room = 1U << 14};
	struct trace trace;
	bool good;

	*outer = disk_world;
	disk_forget_world();
	recorder.fail_at = 0;
	record_begin(&trace, root);
	record_expect(cut->expected[0], cut->expected[1], cut->expected[2]);
	oracle->disk = &trace.base;
	good = judge_boot(oracle, &record_ops, root, revision);
	inner.every = 0;
	inner.judged = 0;
	inner.verified_count = 0;
	inner.scratch =
		pv_beneath_open(oracle->scratch, "again", O_RDONLY | O_DIRECTORY, &(struct pv_err){0});
	if (good && trace.count > 1) {
		good = cuts_of(&cuts, &trace, oracle_judge, &inner);
		if (!good)
			snprintf(oracle->why, sizeof(oracle->why), "cut again at boot: %.900s", inner.why);
	}
	oracle->second += inner.judged;
	cuts_free(&cuts);
	close(inner.scratch);
	record_end();
	recorder = kept;
	disk_world = *outer;
	return good;
}

static bool judge_kernel(struct oracle *oracle, const struct cut *cut, const char *revision)
{
	struct pv_storage scratch = pv_storage_at(oracle->scratch);
	struct pv_err err = {0};
	int root;
	bool good, second = oracle->every && oracle->judged % oracle->every == 0;

	if (mkdirat(oracle->scratch, STATE, 0755) < 0)
		return fail(oracle, "no place for a state");
	root = pv_beneath_open(oracle->scratch, STATE, O_RDONLY | O_DIRECTORY, &err);
	disk_write(cut->disk, root);
	oracle->disk = cut->disk;
	oracle->root = root;
	good = keeps_promises(oracle, cut, root);
	if (good)
		good = second ? judge_second(oracle, cut, root, revision)
			      : judge_boot(oracle, firmware_door(), root, revision);
	close(root);
	pv_durable_remove_tree(scratch, STATE, &err);
	return good;
}

bool oracle_judge(void *context, const struct cut *cut)
{
	struct oracle *oracle = context;
	struct loader_choice choice;

	oracle->judged++;
	/* Blocks go home at any time: it sees the oldest names, or the newest. */
	return judge_objects(oracle, cut->disk) && judge_volume(oracle, cut->disk) &&
	       judge_loader(oracle, cut, cut->home, "without the journal", &choice) &&
	       judge_loader(oracle, cut, cut->disk, "with all at its place", &choice) &&
	       judge_kernel(oracle, cut, choice.revision);
}
