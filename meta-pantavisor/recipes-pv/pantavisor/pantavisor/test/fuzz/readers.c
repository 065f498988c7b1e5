/* SPDX-License-Identifier: MIT */
#include "readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "argv.h"
#include "base64.h"
#include "bootenv.h"
#include "cmdline.h"
#include "config.h"
#include "halt.h"
#include "isolation.h"
#include "log.h"
#include "lxcconf.h"
#include "lxcline.h"
#include "progress.h"
#include "superblock.h"
#include "text.h"
#include "verity.h"

void fuzz_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void read_bootenv(const char *bytes, size_t length)
{
	char block[PV_BOOTENV_BYTES];
	struct pv_bootenv first, second;

	for (int kind = PV_BOOTENV_GRUB; kind <= PV_BOOTENV_UBOOT; kind++) {
		if (!pv_bootenv_parse((enum pv_bootenv_kind)kind, bytes, length, &first))
			continue;
		/* Nothing is written without a generation. */
		first.generation += !first.generation;
		pv_bootenv_render((enum pv_bootenv_kind)kind, &first, block);
		fuzz_require(pv_bootenv_parse((enum pv_bootenv_kind)kind, block, sizeof(block), &second) &&
				     first.generation == second.generation &&
				     !strcmp(first.revision, second.revision) &&
				     !strcmp(first.tried, second.tried) &&
				     !strcmp(first.previous, second.previous),
			"what was read is written as it was");
	}
}

static void read_progress(const char *bytes, size_t length)
{
	struct pv_progress first, second;
	cleanup_free char *text = NULL;
	struct pv_err err;

	if (pv_progress_parse(bytes, length, &first, &err) < 0)
		return;
	text = pv_progress_render(&first);
	fuzz_require(pv_progress_parse(text, strlen(text), &second, &err) == 0 &&
			     first.status == second.status && first.retries == second.retries,
		"what was read is written as it was");
}

static void read_cmdline(const char *bytes, size_t length)
{
	static const enum pv_key locked[] = {PV_SECUREBOOT_MODE, PV_SECUREBOOT_TRUSTSTORE,
		PV_SECUREBOOT_CHECKSUM, PV_SECUREBOOT_SET, PV_STORAGE_MNTPOINT};
	struct pv_config config, untouched;

	(void)length;
	free(pv_cmdline_get(bytes, "pv_rev"));
	pv_config_init(&untouched);
	pv_config_init(&config);
	pv_config_read_cmdline(&config, bytes);
	for (size_t i = 0; i < PV_COUNT(locked); i++)
		fuzz_require(
			!strcmp(pv_config_text(&config, locked[i]), pv_config_text(&untouched, locked[i])),
			"the command line switches nothing off");
}

static void read_config(const char *bytes, size_t length)
{
	struct pv_config config;
	struct pv_err err;

	(void)length;
	pv_config_init(&config);
	(void)pv_config_read_file(&config, bytes, &err);
}

static void read_lxcconf(const char *bytes, size_t length)
{
	struct pv_lxcconf conf;
	struct pv_err err;
	bool is_confined = pv_isolation_check("app", bytes, &err) == 0;
	cleanup_free char *hooked = pv_fmt("%s\nlxc.hook.start-host = /x\n", bytes);

	(void)length;
	fuzz_require(
		!is_confined || pv_isolation_check("app", hooked, &err) < 0, "a hook reaches the device");
	if (pv_lxcconf_adapt(&conf, bytes, &err) < 0)
		return;
	free(pv_lxcline_find_mount(conf.text, "/volumes/app/data"));
	pv_lxcconf_free(&conf);
}

/* Small readers, each of the whole. */
static void read_words(const char *bytes, size_t length)
{
	unsigned char superblock[PV_SUPERBLOCK_BYTES] = {0}, *decoded;
	struct pv_verity verity = {.root_hash = ""};
	char table[PV_VERITY_TABLE_BYTES], **argv;
	struct pv_superblock ext4;
	uint64_t sectors;
	struct pv_err err;

	if (pv_argv_split(bytes, &argv, &err) == 0)
		free(argv);
	(void)pv_halt_signal(bytes, bytes);
	for (int kind = PV_BASE64_STANDARD; kind <= PV_BASE64_URL; kind++)
		if (pv_base64_decode((enum pv_base64)kind, bytes, &decoded, &(size_t){0}, &err) == 0)
			free(decoded);
	memcpy(superblock, bytes, length < sizeof(superblock) ? length : sizeof(superblock));
	(void)pv_superblock_parse(&ext4, superblock, sizeof(superblock));
	(void)pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err);
}

static const struct reader readers[] = {
	{"http", read_http},
	{"state", read_state},
	{"header", read_header},
	{"certificate", read_certificate},
	{"bootenv", read_bootenv},
	{"progress", read_progress},
	{"cmdline", read_cmdline},
	{"config", read_config},
	{"lxcconf", read_lxcconf},
	{"signers", read_signers},
	{"words", read_words},
	{"stick", read_stick},
};

const struct reader *reader_find(const char *name)
{
	for (size_t i = 0; name && i < PV_COUNT(readers); i++)
		if (!strcmp(readers[i].name, name))
			return &readers[i];
	return NULL;
}

void reader_run(const struct reader *reader, const uint8_t *bytes, size_t length)
{
	cleanup_free char *copy = NULL;

	if (length > FUZZ_LONGEST)
		return;
	/* What is wrong in an input is logged; a million lines of it help nothing. */
	pv_log_set_level(-1);
	copy = pv_alloc(length + 1, 1);
	if (length)
		memcpy(copy, bytes, length);
	reader->read(copy, length);
}
