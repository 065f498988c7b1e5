/* SPDX-License-Identifier: MIT */
/*
 * Every reader of what comes from outside, on soups of tokens that they know and of random bytes: the
 * sanitizers watch. With arguments, a seed and a number of inputs, it runs longer.
 */
#include "argv.h"
#include "base64.h"
#include "bootenv.h"
#include "certificate.h"
#include "cmdline.h"
#include "config.h"
#include "halt.h"
#include "lxcconf.h"
#include "pattern.h"
#include "pvs.h"
#include "signers.h"
#include "state.h"
#include "superblock.h"
#include "verity.h"

#include "check.h"
#include "text.h"

#define INPUTS 3000
#define TOKENS 60

static const char *const tokens[] = {"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800",
	"\\ud83d\\ude00", "\"#spec\"", "\"pantavisor-service-system@1\"", "\"a/run.json\"",
	"\"bsp/run.json\"", "\"device.json\"", "{\"groups\":[{\"name\":\"a\"", "\"name\"", "\"storage\"",
	"\"volumes\"", "null", "true", "false", "0", "-", "1e9", "1e999", "0.5", "\"pvs@2\"",
	"\"protected\"", "\"signature\"", "\"e30\"", "\xff", "\xe2\x82",
	"pv_try=", "# GRUB Environment Block\n", "\n", " ", "PV_LOG_LEVEL=", "pv_log.level=", "9999999999",
	"'", "=", "#", "SIGRTMIN+99", "99", "SigBlk: ffffffffffffffff", "auto_recovery",
	"\"policy\":\"always\"", "\"max_retries\":1e9", "\"backoff_policy\":\"99999h\"",
	"\"restart_policy\":\"system\"", "\"root-volume\":\"dm:\"", "\"status_goal\":\"MOUNTED\"",
	"\"type\":\"lxc\"", "lxc.rootfs.path", "overlayfs:/volumes/a:/volumes/b", "lxc.mount.entry",
	"lxc.cgroup.", "lxc.net.", "/**", "*", "?", "\x30\x82", "\x30", "\xa3", "\x06\x03\x55\x1d",
	"\x02\x01", "\x03", "verity\0\0\1"};

static uint64_t state_of_chance;

static unsigned int chance(unsigned int below)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return (unsigned int)(state_of_chance >> 11) % below;
}

static size_t cook(char *soup)
{
	size_t used = 0;

	for (unsigned int i = chance(TOKENS); i > 0; i--) {
		const char *token = tokens[chance(PV_COUNT(tokens))];

		if (chance(8)) {
			memcpy(soup + used, token, strlen(token));
			used += strlen(token);
		} else {
			soup[used++] = (char)chance(256);
		}
	}
	return used;
}

static void read_json(const char *text, size_t length)
{
	struct pv_pvs_policy policy = {.mode = (enum pv_secureboot)chance(4)};
	struct pv_pvs_result result;
	struct pv_state state;
	struct pv_json doc;
	struct pv_err err;

	if (pv_json_parse(&doc, text, length, &err) == 0)
		pv_json_free(&doc);
	if (pv_state_parse(&state, text, length, &err) < 0)
		return;
	(void)pv_pvs_verify(&state.doc, &policy, &result, &err);
	pv_pvs_result_free(&result);
	(void)pv_state_read_manifests(&state, 1, "r", &err);
	pv_state_free(&state);
}

static void read_bytes(const unsigned char *bytes, size_t length)
{
	unsigned char superblock[PV_SUPERBLOCK_BYTES] = {0};
	struct pv_verity verity = {.root_hash = ""};
	char table[PV_VERITY_TABLE_BYTES];
	struct pv_certificate certificate;
	struct pv_superblock ext4;
	uint64_t sectors;
	struct pv_err err;

	if (pv_certificate_parse(&certificate, bytes, length, &err) == 0)
		pv_certificate_free(&certificate);
	memcpy(superblock, bytes, length < sizeof(superblock) ? length : sizeof(superblock));
	(void)pv_superblock_parse(&ext4, superblock, sizeof(superblock));
	(void)pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err);
}

static void read_text(const char *text, size_t length)
{
	char block[PV_BOOTENV_BYTES], **words;
	struct pv_bootenv env;
	struct pv_config config;
	struct pv_signers *signers;
	struct pv_lxcconf conf;
	unsigned char *bytes;
	size_t decoded;
	struct pv_err err;

	if (pv_base64_decode(
		    chance(2) ? PV_BASE64_URL : PV_BASE64_STANDARD, text, &bytes, &decoded, &err) == 0)
		free(bytes);
	pv_config_init(&config);
	(void)pv_config_read_file(&config, text, &err);
	pv_config_read_cmdline(&config, text);
	free(pv_cmdline_get(text, "pv_try"));
	for (int kind = PV_BOOTENV_GRUB; kind <= PV_BOOTENV_UBOOT; kind++)
		if (pv_bootenv_parse((enum pv_bootenv_kind)kind, text, length, &env))
			pv_bootenv_render((enum pv_bootenv_kind)kind, &env, block);
	if (pv_argv_split(text, &words, &err) == 0)
		free(words);
	(void)pv_halt_signal(text, text);
	if (pv_lxcconf_adapt(&conf, text, &err) == 0)
		pv_lxcconf_free(&conf);
	if (pv_signers_parse(&signers, text, length, &err) == 0)
		pv_signers_free(signers);
	if (pv_pattern_check(text, &err) == 0)
		(void)pv_pattern_match(text, text);
}

int main(int argc, char **argv)
{
	static char soup[64 * 1024];
	long inputs = argc > 2 ? strtol(argv[2], NULL, 10) : INPUTS;

	state_of_chance = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * 0x9e3779b97f4a7c15u + 1;
	for (long i = 0; i < inputs; i++) {
		size_t length = cook(soup);
		/* Of its very size, so that one byte too far is seen. */
		char *text = pv_dup(soup, length);

		read_json(text, length);
		read_text(text, length);
		read_bytes((const unsigned char *)text, length);
		free(text);
	}
	return check_done();
}
