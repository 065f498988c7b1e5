/* SPDX-License-Identifier: MIT */
#include "bootfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "log.h"
#include "names.h"
#include "text.h"

#define FOLDER ".pv"
#define NAME_BYTES 40
/* Each file, and its signature: add-ons, and at most kernel, initramfs and device tree. */
#define FILES (2 * (PV_ADDONS + 3))

struct file {
	char name[NAME_BYTES]; /* below .pv/ */
	const char *object_id;
	bool optional; /* a boot loader goes on without it */
};

struct list {
	const struct pv_state *state;
	struct file files[FILES];
	size_t count;
};

/* Everything that begins so is a boot loader's. The rest of .pv/ is the runtime's own record. */
static const char *const loaded[] = {
	"pv-kernel.img", "pv-initrd.img", "pv-fdt.dtb", "pantavisor.fit", "rpiboot.img"};

static void put(
	struct list *list, const char *name, const char *suffix, const char *object_id, bool optional)
{
	struct file *file = &list->files[list->count++];

	snprintf(file->name, sizeof(file->name), "%s%s", name, suffix);
	file->object_id = object_id;
	file->optional = optional;
}

/* A file of the bsp as `name`, and its signature, where the state has one. */
static int add(struct list *list, const char *name, const char *file, bool optional, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("bsp/%s", file ? file : "");
	cleanup_free char *signature = pv_fmt("%s.sig", path);
	const struct pv_entry *entry = pv_state_find(list->state, path);

	if (!file || !pv_path_is(path) || !entry || !entry->object_id)
		return pv_err_set(err, "bsp/run.json: its file for %s is not in the state", name);
	put(list, name, "", entry->object_id, optional);
	entry = pv_state_find(list->state, signature);
	if (entry && entry->object_id)
		put(list, name, ".sig", entry->object_id, false);
	return 0;
}

static int add_addons(struct list *list, const struct pv_json_node *run, struct pv_err *err)
{
	const struct pv_json *doc = &list->state->doc;
	const struct pv_json_node *addons = pv_json_get(doc, run, "addons");
	int index = 0;

	if (!addons || pv_json_is(addons, PV_JSON_NULL))
		return 0;
	if (!pv_json_is(addons, PV_JSON_ARRAY) || addons->count > PV_ADDONS)
		return pv_err_set(err, "bsp/run.json: its addons are not a list of at most %d", PV_ADDONS);
	for (const struct pv_json_node *n = pv_json_first(doc, addons); n; n = pv_json_next(doc, n)) {
		char name[NAME_BYTES];

		snprintf(name, sizeof(name), "pv-initrd.img.%d", index++);
		if (add(list, name, pv_json_string(doc, n), true, err) < 0)
			return -1;
	}
	return 0;
}

static const char *member(const struct list *list, const struct pv_json_node *run, const char *name)
{
	const struct pv_json_node *node = pv_json_get(&list->state->doc, run, name);
	const char *text = node ? pv_json_string(&list->state->doc, node) : NULL;

	return text && *text ? text : NULL;
}

/* The rule by which links are made: a FIT image, an image of A/B slots, or kernel and initramfs. */
static int make_list(struct list *list, struct pv_err *err)
{
	const struct pv_entry *entry = pv_state_find(list->state, "bsp/run.json");
	const struct pv_json_node *run = entry ? entry->value : NULL;
	const char *fit = member(list, run, "fit"), *slots = member(list, run, "rpiab");
	const char *fdt = member(list, run, "fdt");

	if (add_addons(list, run, err) < 0)
		return -1;
	if (fit)
		return add(list, "pantavisor.fit", fit, false, err);
	if (slots)
		return add(list, pv_ends_with(slots, ".gz") ? "rpiboot.img.gz" : "rpiboot.img", slots,
			false, err);
	if (add(list, "pv-kernel.img", member(list, run, "linux"), false, err) < 0 ||
		add(list, "pv-initrd.img", member(list, run, "initrd"), false, err) < 0)
		return -1;
	return fdt ? add(list, "pv-fdt.dtb", fdt, true, err) : 0;
}

bool pv_bootfiles_is(const char *name)
{
	for (size_t i = 0; i < PV_COUNT(loaded); i++)
		if (pv_starts_with(name, loaded[i]))
			return true;
	return false;
}

static bool is_listed(const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->files[i].name, name))
			return true;
	return false;
}

static int check_names(const struct list *list, int folder, struct pv_err *err)
{
	int copy = pv_beneath_open(folder, ".", O_RDONLY | O_DIRECTORY, err);
	cleanup_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir)
		return copy < 0 ? -1 : pv_err_errno(err, "cannot read " FOLDER);
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (pv_bootfiles_is(entry->d_name) && !is_listed(list, entry->d_name))
			return pv_err_set(err,
				FOLDER "/%.100s is for the boot loader, and not in the state",
				entry->d_name);
	return errno ? pv_err_errno(err, "cannot read " FOLDER) : 0;
}

static int link_object(
	int objects, int folder, const struct file *file, const struct pv_fsops *ops, struct pv_err *err)
{
	cleanup_close int object = pv_beneath_open(objects, file->object_id, O_PATH | O_NOFOLLOW, err);

	if (object < 0)
		return -1;
	if (ops->link(object, folder, file->name) < 0)
		return pv_err_errno(err, "cannot link " FOLDER "/%s", file->name);
	return 0;
}

static int link_again(
	int objects, int folder, const struct file *file, const struct pv_fsops *repair, struct pv_err *err)
{
	if (!repair)
		return pv_err_set(err, FOLDER "/%s is missing", file->name);
	if (link_object(objects, folder, file, repair, err) < 0 ||
		repair->sync(folder, PV_BARRIER_REPAIR) < 0)
		return pv_err_errno(err, FOLDER "/%s is missing and cannot be linked again", file->name);
	pv_warn("boot", FOLDER "/%s was missing and is linked again", file->name);
	if (!file->optional)
		return 0;
	pv_err_set(err, FOLDER "/%s was missing, so this system was booted without it", file->name);
	pv_err_hint(err, "start the device once more: it is linked again");
	return -1;
}

static int check_file(
	int objects, int folder, const struct file *file, const struct pv_fsops *repair, struct pv_err *err)
{
	struct stat stored, linked;

	if (fstatat(objects, file->object_id, &stored, AT_SYMLINK_NOFOLLOW) < 0)
		return pv_err_errno(err, "the object of " FOLDER "/%s", file->name);
	if (fstatat(folder, file->name, &linked, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? link_again(objects, folder, file, repair, err)
				       : pv_err_errno(err, FOLDER "/%s", file->name);
	if (linked.st_ino != stored.st_ino || linked.st_dev != stored.st_dev)
		return pv_err_set(err,
			FOLDER "/%s is not the state's file: what was booted is not what is signed",
			file->name);
	return 0;
}

static int read_file(int trail, const char *path, const char *object_id, struct pv_err *err)
{
	cleanup_close int fd = pv_beneath_file(trail, path, err);
	char hex[PV_SHA256_HEX + 1];

	if (fd < 0)
		return -1;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (pv_sha256_fd(fd, hex, err) < 0)
		return pv_err_wrap(err, "%.300s", path);
	return strcmp(hex, object_id) ? pv_err_set(err, "%.300s is damaged on the storage", path) : 0;
}

/* Of several U-Boot takes one from the folder of the bsp, and which is known to the board alone. One that
 * is missing there it goes on without, and the boot links it again. */
static int read_trees(int trail, const struct pv_state *state, struct pv_err *err)
{
	for (size_t i = 0; i < state->entry_count; i++) {
		const struct pv_entry *entry = &state->entries[i];

		if (entry->object_id && pv_starts_with(entry->path, "bsp/") &&
			pv_ends_with(entry->path, ".dtb") && pv_beneath_has(trail, entry->path) &&
			read_file(trail, entry->path, entry->object_id, err) < 0)
			return -1;
	}
	return 0;
}

static int read_all(int trail, const struct list *list, struct pv_err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		cleanup_free char *path = pv_fmt(FOLDER "/%s", list->files[i].name);

		if (read_file(trail, path, list->files[i].object_id, err) < 0)
			return -1;
	}
	return read_trees(trail, list->state, err);
}

static int check(
	const struct pv_checkout *checkout, const struct pv_state *state, bool reads, struct pv_err *err)
{
	cleanup_free struct list *list = pv_alloc(1, sizeof(*list));
	cleanup_close int objects =
		pv_beneath_open(checkout->storage, "objects", O_RDONLY | O_DIRECTORY, err);
	cleanup_close int folder = -1;

	if (objects < 0)
		return -1;
	folder = checkout->repair
			 ? pv_durable_mkdirs(
				   (struct pv_storage){checkout->trail, checkout->repair}, FOLDER, err)
			 : pv_beneath_open(checkout->trail, FOLDER, O_RDONLY | O_DIRECTORY, err);
	list->state = state;
	if (folder < 0 || make_list(list, err) < 0 || check_names(list, folder, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		if (check_file(objects, folder, &list->files[i], checkout->repair, err) < 0)
			return -1;
	return reads ? read_all(checkout->trail, list, err) : 0;
}

int pv_bootfiles_check(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err)
{
	return check(checkout, state, false, err);
}

int pv_bootfiles_read(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_err *err)
{
	return check(checkout, state, true, err);
}

int pv_bootfiles_make(
	int storage, struct pv_storage trail, const struct pv_state *state, struct pv_err *err)
{
	cleanup_free struct list *list = pv_alloc(1, sizeof(*list));
	cleanup_close int objects = pv_beneath_open(storage, "objects", O_RDONLY | O_DIRECTORY, err);
	cleanup_close int folder = objects < 0 ? -1 : pv_durable_mkdirs(trail, FOLDER, err);

	list->state = state;
	if (folder < 0 || make_list(list, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		if (link_object(objects, folder, &list->files[i], trail.ops, err) < 0)
			return -1;
	return 0;
}
