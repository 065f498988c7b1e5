/* SPDX-License-Identifier: MIT */
#include "bootenv.h"

#include "check.h"

static void check_grub(const char *lines, const char *name, const char *wanted)
{
	char block[PV_BOOTENV_BYTES], value[PV_BOOTENV_VALUE_BYTES];
	struct pv_err err;
	int used;

	memset(block, '#', sizeof(block));
	used = snprintf(block, sizeof(block), "# GRUB Environment Block\n%s", lines);
	block[used] = '#';
	CHECK(pv_bootenv_find(PV_BOOTENV_GRUB, block, sizeof(block), name, value, &err) == 0);
	CHECK_TEXT(value, wanted);
}

static void check_uboot(const char *block, size_t length, const char *name, const char *wanted)
{
	char value[PV_BOOTENV_VALUE_BYTES];
	struct pv_err err;

	CHECK(pv_bootenv_find(PV_BOOTENV_UBOOT, block, length, name, value, &err) == 0);
	CHECK_TEXT(value, wanted);
}

int main(void)
{
	static const char uboot[] = "pv_revx=7\0pv_rev=0\0pv_try=\0\0";
	char value[PV_BOOTENV_VALUE_BYTES], padded[2000] = "a=b", huge[600];
	struct pv_err err;

	check_grub("pv_rev=0\npv_try=locals/x\n", "pv_try", "locals/x");
	check_grub("pv_trying=1\npv_rev=0\n", "pv_try", "");
	check_grub("pv_try=\n", "pv_try", "");
	/* Which of two counts is the same for the boot loaders and for us. */
	check_grub("pv_try=1\npv_try=2\n", "pv_try", "2");
	check_grub("pv_try=1\npv_try=\n", "pv_try", "");
	check_uboot("pv_try=1\0pv_try=2\0\0pv_try=3\0", 29, "pv_try", "2");
	check_uboot(uboot, sizeof(uboot), "pv_rev", "0");
	check_uboot(uboot, sizeof(uboot), "pv_try", "");
	check_uboot(uboot, sizeof(uboot), "pv", "");
	/* What stands behind the first 1024 bytes does not count. */
	memcpy(padded + 1500, "pv_rev=9", 9);
	check_uboot(padded, sizeof(padded), "pv_rev", "");
	check_uboot(padded, sizeof(padded), "a", "b");
	CHECK(pv_bootenv_find(PV_BOOTENV_GRUB, "pv_rev=0\n", 9, "pv_rev", value, &err) < 0);
	CHECK(pv_bootenv_find(PV_BOOTENV_GRUB, "", 0, "pv_rev", value, &err) < 0);
	memset(huge, 'x', sizeof(huge));
	memcpy(huge, "pv_rev=", 7);
	CHECK(pv_bootenv_find(PV_BOOTENV_UBOOT, huge, sizeof(huge), "pv_rev", value, &err) < 0);
	return check_done();
}
