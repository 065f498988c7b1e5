/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "check.h"

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
	CHECK(pv_config_read_cmdline(
		      &c, "quiet PV_LOG_LEVEL=1 pv_storage.wait=9 pv_log.level=2 pv_rev=0\n", &err) == 0);
	CHECK(pv_config_number(&c, PV_STORAGE_WAIT) == 9);
	CHECK(pv_config_read_env(&c, "PV_STORAGE_WAIT=10", &err) == 0);
	CHECK(pv_config_number(&c, PV_STORAGE_WAIT) == 10);
}

static void test_empty_is_not_set(void)
{
	struct pv_config c;
	struct pv_err err;

	pv_config_init(&c);
	CHECK(pv_config_read_file(&c, "PV_STORAGE_DEVICE=\n", &err) == 0);
	CHECK_TEXT(pv_config_text(&c, PV_STORAGE_DEVICE), "LABEL=root");
}

static void test_security_stays_as_the_file_sets_it(void)
{
	struct pv_config c;
	struct pv_err err;

	pv_config_init(&c);
	CHECK(pv_config_read_cmdline(&c, "pv_secureboot.mode=strict", &err) == 0);
	CHECK_TEXT(pv_config_text(&c, PV_SECUREBOOT_MODE), "strict");
	pv_config_init(&c);
	CHECK(pv_config_read_file(&c, "PV_SECUREBOOT_MODE=strict\n", &err) == 0);
	CHECK(pv_config_read_cmdline(&c, "pv_secureboot.mode=disabled PV_SECUREBOOT_MODE=disabled", &err) ==
		0);
	CHECK(pv_config_read_env(&c, "PV_SECUREBOOT_MODE=disabled", &err) == 0);
	CHECK_TEXT(pv_config_text(&c, PV_SECUREBOOT_MODE), "strict");
}

static void test_bad_values_are_refused(void)
{
	static const char *const bad[] = {"PV_STORAGE_WAIT=x", "PV_STORAGE_WAIT=-1", "PV_STORAGE_WAIT=601",
		"PV_LOG_LEVEL=5", "PV_SECUREBOOT_CHECKSUM=yes", "PV_SECUREBOOT_MODE=strictly",
		"PV_SECUREBOOT_MODE=audit lenient", "PV_SECUREBOOT_MODE=len"};
	struct pv_config c;
	struct pv_err err;

	for (size_t i = 0; i < PV_COUNT(bad); i++) {
		pv_config_init(&c);
		CHECK(pv_config_read_env(&c, bad[i], &err) < 0);
	}
}

int main(void)
{
	cleanup_free char *rev = pv_cmdline_get("x pv_revx=1 pv_rev=locals/a\n", "pv_rev");
	cleanup_free char *none = pv_cmdline_get("pv_revision=1", "pv_rev");

	CHECK_TEXT(rev, "locals/a");
	CHECK(!none);
	test_later_levels_win();
	test_empty_is_not_set();
	test_security_stays_as_the_file_sets_it();
	test_bad_values_are_refused();
	return check_done();
}
