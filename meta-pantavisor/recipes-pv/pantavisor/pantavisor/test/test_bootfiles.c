/* SPDX-License-Identifier: MIT */
#include "bootfiles.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "check.h"
#include "file.h"
#include "log.h"
#include "text.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
/* sha256 of "abc", FIPS 180-2. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define STATE(run)                                                                      \
	"{\"#spec\":\"pantavisor-service-system@1\",\"bsp/i\":\"" A "\",\"bsp/k\":\"" B \
	"\",\"bsp/k.sig\":\"" A "\",\"bsp/run.json\":" run "}"

static const char plain[] =
	STATE("{\"addons\":[\"i\",\"k\"],\"fdt\":\"i\",\"initrd\":\"i\",\"linux\":\"k\"}");
static const char small[] = "{\"#spec\":\"pantavisor-service-system@1\",\"bsp/k\":\"" ABC
			    "\",\"bsp/run.json\":{\"initrd\":\"k\",\"linux\":\"k\"}}";
static const char trees[] = "{\"#spec\":\"pantavisor-service-system@1\",\"bsp/k\":\"" ABC
			    "\",\"bsp/run.json\":{\"fit\":\"k\"},\"bsp/vendor/board.dtb\":\"" ABC "\"}";
static bool is_read;
static char root[] = "/tmp/pv-test-bootfiles-XXXXXX";
static struct pv_err err;

static void put(const char *path, const char *content)
{
	cleanup_free char *whole = pv_fmt("%s/%s", root, path), *parent = pv_dup(whole, strlen(whole));

	*strrchr(parent, '/') = '\0';
	CHECK(pv_mkdirs(parent, 0755, &err) == 0);
	CHECK(pv_write_file(whole, content, strlen(content), &err) == 0);
}

static void place(const char *name, const char *object)
{
	cleanup_free char *from = pv_fmt("%s/objects/%s", root, object);
	cleanup_free char *to = pv_fmt("%s/trails/0/.pv/%s", root, name);

	unlink(to);
	CHECK(link(from, to) == 0);
}

static void take(const char *name)
{
	cleanup_free char *path = pv_fmt("%s/trails/0/.pv/%s", root, name);

	CHECK(unlink(path) == 0);
}

static int check(const char *text, bool repair)
{
	cleanup_close int storage = pv_beneath_root(root, &err);
	cleanup_close int trail = pv_beneath_open(storage, "trails/0", O_RDONLY | O_DIRECTORY, &err);
	const struct pv_checkout checkout = {storage, trail, repair ? &pv_fsops_real : NULL, true, NULL};
	struct pv_state state;
	int done;

	err = (struct pv_err){0};
	CHECK(pv_state_parse(&state, text, strlen(text), &err) == 0);
	done = (is_read ? pv_bootfiles_read : pv_bootfiles_check)(&checkout, &state, &err);
	pv_state_free(&state);
	return done;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void place_all(void)
{
	place("pv-initrd.img", A);
	place("pv-initrd.img.0", A);
	place("pv-initrd.img.1", B);
	place("pv-initrd.img.1.sig", A);
	place("pv-kernel.img", B);
	place("pv-kernel.img.sig", A);
	place("pv-fdt.dtb", A);
}

static void test_other_files_are_refused(void)
{
	static const struct {
		const char *name, *object;
	} swaps[] = {{"pv-initrd.img", B}, {"pv-initrd.img.0", B}, {"pv-initrd.img.1", A},
		{"pv-kernel.img", A}, {"pv-kernel.img.sig", B}, {"pv-fdt.dtb", B}};

	for (size_t i = 0; i < PV_COUNT(swaps); i++) {
		place(swaps[i].name, swaps[i].object);
		CHECK(check(plain, true) < 0);
		CHECK_HAS(err.text, swaps[i].name);
		CHECK_HAS(err.text, "what was booted is not what is signed");
		place_all();
	}
	/* The same bytes in another file: a copy can change later. */
	put("trails/0/.pv/pv-initrd.img", "a");
	CHECK(check(plain, true) < 0);
	place_all();
}

static void test_names_that_are_not_in_the_state_are_refused(void)
{
	static const char *const names[] = {"pv-initrd.img.2", "pv-initrd.img.sig", "pv-kernel.img.1",
		"pantavisor.fit", "rpiboot.img", "pv-initrd.img.pv-beside", "pv-initrd.img.",
		"pv-initrd.img.x"};

	for (size_t i = 0; i < PV_COUNT(names); i++) {
		place(names[i], A);
		CHECK(check(plain, true) < 0);
		CHECK_HAS(err.text, "not in the state");
		take(names[i]);
	}
	put("trails/0/.pv/progress", "{}");
	put("trails/0/.pv/done", "");
	CHECK(check(plain, true) == 0);
}

static void test_missing_ones_are_linked_again_and_optional_ones_refused_once(void)
{
	take("pv-kernel.img");
	CHECK(check(plain, false) < 0);
	CHECK_HAS(err.text, "pv-kernel.img is missing");
	CHECK(check(plain, true) == 0 && check(plain, false) == 0);
	take("pv-initrd.img.1");
	CHECK(check(plain, true) < 0);
	CHECK_HAS(err.text, "booted without it");
	CHECK(check(plain, true) == 0);
	take("pv-fdt.dtb");
	CHECK(check(plain, true) < 0 && check(plain, true) == 0);
}

static void test_what_the_state_lacks_is_refused(void)
{
	CHECK(check(STATE("{\"initrd\":\"i\",\"linux\":\"none\"}"), true) < 0);
	CHECK_HAS(err.text, "not in the state");
	CHECK(check(STATE("{\"initrd\":\"i\"}"), true) < 0);
	CHECK(check(STATE("{\"initrd\":\"../k\",\"linux\":\"k\"}"), true) < 0);
	CHECK(check(STATE("{\"addons\":{},\"initrd\":\"i\",\"linux\":\"k\"}"), true) < 0);
	CHECK(check(STATE("{\"addons\":[1],\"initrd\":\"i\",\"linux\":\"k\"}"), true) < 0);
}

/* In place: the links stay as they are. */
static void damage(const char *path)
{
	cleanup_free char *whole = pv_fmt("%s/%s", root, path);
	cleanup_close int fd = open(whole, O_WRONLY | O_CLOEXEC);

	CHECK(pwrite(fd, "x", 1, 1) == 1);
}

static void test_damage_on_the_medium_is_found_by_reading(void)
{
	put("objects/" ABC, "abc");
	put("trails/0/.pv/progress", "{}");
	place("pv-kernel.img", ABC);
	place("pv-initrd.img", ABC);
	is_read = true;
	CHECK(check(small, false) == 0);
	damage("objects/" ABC);
	CHECK(check(small, false) < 0);
	CHECK_TEXT(err.text, ".pv/pv-kernel.img is damaged on the storage");
	is_read = false;
	CHECK(check(small, false) == 0);
	take("pv-kernel.img");
	take("pv-initrd.img");
}

/* Of several U-Boot takes the one that its fdtfile names, from the folder of the bsp. */
static void test_each_device_tree_of_the_bsp_is_read(void)
{
	put("objects/" ABC, "abc");
	put("trails/0/.pv/progress", "{}");
	place("pantavisor.fit", ABC);
	is_read = true;
	CHECK(check(trees, false) == 0);
	put("trails/0/bsp/vendor/board.dtb", "abc");
	CHECK(check(trees, false) == 0);
	damage("trails/0/bsp/vendor/board.dtb");
	CHECK(check(trees, false) < 0);
	CHECK_TEXT(err.text, "bsp/vendor/board.dtb is damaged on the storage");
	is_read = false;
	CHECK(check(trees, false) == 0);
}

int main(void)
{
	CHECK(mkdtemp(root) != NULL);
	pv_log_set_level(PV_LOG_ERROR);
	put("objects/" A, "a");
	put("objects/" B, "b");
	put("trails/0/.pv/progress", "{}");
	place_all();
	CHECK(check(plain, false) == 0);
	test_other_files_are_refused();
	test_names_that_are_not_in_the_state_are_refused();
	test_missing_ones_are_linked_again_and_optional_ones_refused_once();
	test_what_the_state_lacks_is_refused();
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	test_damage_on_the_medium_is_found_by_reading();
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	test_each_device_tree_of_the_bsp_is_read();
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	/* A FIT image is all that such a board loads. */
	put("objects/" A, "a");
	put("trails/0/.pv/progress", "{}");
	CHECK(check(STATE("{\"fit\":\"i\"}"), true) == 0 && check(STATE("{\"fit\":\"i\"}"), false) == 0);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
