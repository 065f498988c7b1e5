/* SPDX-License-Identifier: MIT */
#include "release.h"

#include "beneath.h"
#include "firmware.h"
#include "tree.h"

static struct pv_err err;

static void check_read(int storage, const char *text, long release)
{
	tree_file("config/release", text);
	CHECK(pv_release_load(storage, PV_SECUREBOOT_STRICT) == release);
}

int main(void)
{
	struct pv_storage at;

	tree_begin();
	at = (struct pv_storage){pv_beneath_root(tree_root, &err), firmware_door()};
	CHECK(pv_release_load(at.root, PV_SECUREBOOT_STRICT) == 0);
	/* What has no release leaves nothing behind. */
	CHECK(pv_release_raise(at, 0, &err) == 0 && !tree_has("config"));
	CHECK(pv_release_raise(at, 7, &err) == 0);
	tree_check_text("config/release", "7\n");
	/* It never sinks. */
	CHECK(pv_release_raise(at, 6, &err) == 0 && pv_release_raise(at, 0, &err) == 0);
	CHECK(pv_release_load(at.root, PV_SECUREBOOT_STRICT) == 7);
	CHECK(pv_release_load(at.root, PV_SECUREBOOT_LENIENT) == 7);
	/* Where nothing is refused, this is not a reason to. */
	CHECK(pv_release_load(at.root, PV_SECUREBOOT_AUDIT) == 0);
	CHECK(pv_release_load(at.root, PV_SECUREBOOT_DISABLED) == 0);
	check_read(at.root, "2147483647\n", 2147483647);
	check_read(at.root, "2147483648\n", 0);
	check_read(at.root, "-1\n", 0);
	check_read(at.root, "7", 0);
	check_read(at.root, "7\n8\n", 0);
	check_read(at.root, "", 0);
	check_read(at.root, "99999999999999999999999999\n", 0);
	/* What runs counts, too, recorded or not. */
	check_read(at.root, "7\n", 7);
	CHECK(pv_release_least(at.root, PV_SECUREBOOT_STRICT, 9) == 9);
	CHECK(pv_release_least(at.root, PV_SECUREBOOT_LENIENT, 6) == 7);
	CHECK(pv_release_least(at.root, PV_SECUREBOOT_AUDIT, 9) == 0);
	CHECK(pv_release_check(7, 7, &err) == 0 && pv_release_check(0, 0, &err) == 0);
	CHECK(pv_release_check(6, 7, &err) < 0);
	CHECK_TEXT(err.text, "its release 6 is older than 7, which this device has had");
	CHECK(pv_release_check(0, 7, &err) < 0);
	CHECK_TEXT(err.text, "it has no release, and this device has had 7");
	close(at.root);
	tree_end();
	return check_done();
}
