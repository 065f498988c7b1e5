/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "alloc.h"
#include "check.h"
#include "log.h"

static void test_later_levels_win(void)
{
	struct pv_config c;
	struct pv_err err;

	pv_config_init(&c);
	CHECK(pv_config_number(&c, PV_STORAGE_WAIT) == 5);
	CHECK(pv_config_read_file(&c,
		      "# wait\nPV_STORAGE_WAIT=7\n\n PV_LOG_LEVEL=4 \nPV_UNKNOWN=x\nnothing\n", &err) == 0);
	CHECK(pv_config_number(&c, PV_STORAGE_WAIT) == 7 && pv_config_number(&c, PV_LOG_LEVEL) == 4);
	CHECK(pv_config_read_file(&c, "storage.wait=8\n", &err) == 0);
	CHECK(pv_config_number(&c, PV_STORAGE_WAIT) == 8);
	pv_config_read_cmdline(&c, "quiet PV_LOG_LEVEL=1 pv_storage.wait=9 pv_log.level=2 pv_rev=0\n");
	CHECK(pv_config_number(&c, PV_STORAGE_WAIT) == 9);
	CHECK(pv_config_number(&c, PV_LOG_LEVEL) == 1);
}

static void test_empty_is_not_set(void)
{
	struct pv_config c;
	struct pv_err err;

	pv_config_init(&c);
	CHECK(pv_config_read_file(&c, "PV_STORAGE_DEVICE=\n", &err) == 0);
	CHECK_TEXT(pv_config_text(&c, PV_STORAGE_DEVICE), "LABEL=root");
}

/* Whether the file says it or not: a place over the trust store, a weaker mode, another boot environment.
 */
static void test_the_command_line_changes_harmless_keys_only(void)
{
	static const char words[] =
		"PV_SECUREBOOT_MODE=disabled pv_secureboot.mode=disabled PV_SECUREBOOT_CHECKSUM=0 "
		"pv_secureboot.checksum=0 pv_secureboot.truststore=x PV_STORAGE_MNTPOINT=/storage "
		"PV_STORAGE_DEVICE=/dev/vdb pv_storage.device=LABEL=other PV_BOOTLOADER_TYPE=uboot "
		"PV_UPDATER_GOALS_TIMEOUT=1 \"pv_log.level=4\" PV_STORAGE_WAIT=x";
	struct pv_config c;

	pv_config_init(&c);
	pv_config_read_cmdline(&c, words);
	for (int key = 0; key < PV_KEY_COUNT; key++)
		CHECK(c.level[key] == PV_LEVEL_DEFAULT);
	CHECK_TEXT(pv_config_text(&c, PV_SECUREBOOT_MODE), "strict");
	CHECK(pv_config_number(&c, PV_SECUREBOOT_CHECKSUM) == 1);
}

static void test_the_boot_loader_names_the_storage_first(void)
{
	struct pv_config c;
	struct pv_err err;

	pv_config_init(&c);
	CHECK(pv_config_read_file(&c, "PV_STORAGE_DEVICE=LABEL=root\n", &err) == 0);
	pv_config_read_cmdline(&c,
		"pv_storage.device=PARTUUID=1 pv_storage.device=PARTUUID=2 PV_STORAGE_DEVICE=PARTUUID=3");
	CHECK_TEXT(pv_config_text(&c, PV_STORAGE_DEVICE), "PARTUUID=1");
}

static void test_bad_values_are_refused(void)
{
	static const char *const bad[] = {"PV_STORAGE_WAIT=x", "PV_STORAGE_WAIT=-1", "PV_STORAGE_WAIT=601",
		"PV_LOG_LEVEL=5", "PV_SECUREBOOT_CHECKSUM=yes", "PV_SECUREBOOT_MODE=strictly",
		"PV_SECUREBOOT_MODE=audit lenient", "PV_SECUREBOOT_MODE=len",
		"PV_STORAGE_MNTPOINT=/etc/pantavisor/pvs/trust"};
	struct pv_config c;
	struct pv_err err;

	for (size_t i = 0; i < PV_COUNT(bad); i++) {
		pv_config_init(&c);
		CHECK(pv_config_read_file(&c, bad[i], &err) < 0);
	}
}

int main(void)
{
	pv_log_set_level(PV_LOG_ERROR);
	test_later_levels_win();
	test_empty_is_not_set();
	test_the_command_line_changes_harmless_keys_only();
	test_the_boot_loader_names_the_storage_first();
	test_bad_values_are_refused();
	return check_done();
}
