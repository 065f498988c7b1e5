/* SPDX-License-Identifier: MIT */
#include "readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "argv.h"
#include "base64.h"
#include "bootenv.h"
#include "certificate.h"
#include "cmdline.h"
#include "config.h"
#include "file.h"
#include "halt.h"
#include "http.h"
#include "http_answer.h"
#include "isolation.h"
#include "jws.h"
#include "log.h"
#include "lxcconf.h"
#include "lxcline.h"
#include "progress.h"
#include "pvs.h"
#include "pvs_header.h"
#include "route.h"
#include "selection.h"
#include "signers.h"
#include "state.h"
#include "superblock.h"
#include "text.h"
#include "trust.h"
#include "verity.h"

#define LONGEST (1024 * 1024)

static void fuzz_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* The roots that the signed states of the vectors lead to. */
static struct pv_trust *trust_of_vectors(void)
{
	static struct pv_trust *trust;
	const char *folder = getenv("PV_VECTORS");
	cleanup_free char *path = pv_fmt("%s/ca.ec256.crt", folder ? folder : "");
	cleanup_free char *pem = NULL;
	struct pv_err err;
	size_t length;

	if (!trust)
		fuzz_require(pv_read_file(path, LONGEST, &pem, &length, &err) == 0 &&
				     pv_trust_parse(&trust, pem, &err) == 0,
			"PV_VECTORS names the folder of the vectors");
	return trust;
}

static void check_path(const char *path)
{
	fuzz_require(*path == '/' && strlen(path) < PV_HTTP_PATH_BYTES, "a path begins with a slash");
	for (; *path; path++)
		fuzz_require(*path > ' ' && *path < 0x7f, "a path is printable");
}

/* `used` are the bytes of the head; what follows is a body. */
static int read_request(
	const char *bytes, size_t length, size_t piece, struct pv_http_request *request, size_t *used)
{
	struct pv_http_head head = {.used = 0};
	struct pv_err err;
	size_t taken;

	for (*used = 0; *used < length; *used += taken) {
		taken = pv_http_take(&head, bytes + *used, piece < length - *used ? piece : length - *used);
		if (!taken)
			break;
	}
	return pv_http_parse(&head, request, &err);
}

static void read_route(const struct pv_http_request *request, const char *body, size_t length)
{
	char name[PV_HTTP_PATH_BYTES];
	const struct pv_route *route;
	struct pv_ctrl_ask ask = {0};
	struct pv_err err;

	if (pv_route_find(request, &route, name, &err))
		return;
	fuzz_require(request->length <= route->body, "a body is no longer than the route takes");
	if (length > PV_ROUTE_BODY_BYTES || pv_route_ask(route, name, body, length, &ask, &err))
		return;
	fuzz_require((unsigned)ask.op < PV_CTRL_OP_COUNT && memchr(ask.name, 0, sizeof(ask.name)) &&
			     memchr(ask.payload, 0, sizeof(ask.payload)),
		"an ask is sane");
	fuzz_require((ask.op != PV_CTRL_RUN && ask.op != PV_CTRL_RUN_COMMIT) || pv_revision_is(ask.name),
		"what is run has the name of a revision");
}

static void read_http(const char *bytes, size_t length)
{
	struct pv_http_request whole, pieces;
	size_t used, other;
	int status = read_request(bytes, length, length, &whole, &used);

	fuzz_require(read_request(bytes, length, 1, &pieces, &other) == status && used == other,
		"pieces are read as the whole");
	if (status) {
		fuzz_require(strcmp(pv_http_reason(status), "Unknown") != 0, "a refusal has a reason");
		return;
	}
	check_path(whole.path);
	fuzz_require(
		!strcmp(whole.path, pieces.path) && whole.length == pieces.length, "and mean the same");
	fuzz_require(!whole.has_content_range || whole.length <= whole.total, "a range is in its total");
	read_route(&whole, bytes + used, length - used);
}

static void read_state(const char *bytes, size_t length)
{
	static const enum pv_secureboot modes[] = {
		PV_SECUREBOOT_AUDIT, PV_SECUREBOOT_LENIENT, PV_SECUREBOOT_STRICT};
	struct pv_state state;
	struct pv_err err;

	if (pv_state_parse(&state, bytes, length, &err) < 0)
		return;
	for (size_t i = 0; i < PV_COUNT(modes); i++) {
		struct pv_pvs_policy policy = {.mode = modes[i], .trust = trust_of_vectors()};
		struct pv_pvs_result result;

		(void)pv_pvs_verify(&state.doc, &policy, &result, &err);
		pv_pvs_result_free(&result);
	}
	(void)pv_state_read_manifests(&state, 1, "6.1", &err);
	for (size_t i = 0; i < state.container_count; i++)
		fuzz_require(state.containers[i].group <= PV_GROUPS, "a group is one of the state's");
	pv_state_free(&state);
}

/* The header of a signature: JSON that names certificates and patterns. */
static void read_header(const char *bytes, size_t length)
{
	cleanup_free struct pv_selection *selection = pv_alloc(1, sizeof(*selection));
	struct pv_jws_header jws = {0};
	struct pv_signer *signer;
	enum pv_sight sight;
	struct pv_json doc;
	struct pv_err err;

	if (pv_json_parse(&doc, bytes, length, &err) < 0)
		return;
	if (pv_pvs_header_read(&doc, &jws, &err) == 0 &&
		pv_signer_open(&signer, &jws, trust_of_vectors(), &err) == 0) {
		(void)pv_signer_verify(signer, "input", "c2lnbmF0dXJl", &err);
		pv_signer_close(signer);
	}
	if (length < 4096 && pv_selection_read(selection, &doc, &err) == 0)
		(void)pv_selection_see(selection, "app/root.squashfs", &sight, &err);
	pv_json_free(&doc);
}

static void read_certificate(const char *bytes, size_t length)
{
	char name[PV_IDENTITY_NAME_BYTES];
	struct pv_certificate certificate;
	struct pv_trust *trust;
	struct pv_err err;

	if (pv_certificate_parse(&certificate, (const uint8_t *)bytes, length, &err) == 0) {
		pv_certificate_name(&certificate, name);
		(void)pv_certificate_issued(&certificate, &certificate, 0);
		pv_certificate_free(&certificate);
	}
	if (pv_trust_parse(&trust, bytes, &err) == 0)
		pv_trust_free(trust);
}

static void read_bootenv(const char *bytes, size_t length)
{
	char block[PV_BOOTENV_BYTES];
	struct pv_bootenv first, second;

	for (int kind = PV_BOOTENV_GRUB; kind <= PV_BOOTENV_UBOOT; kind++) {
		if (!pv_bootenv_parse((enum pv_bootenv_kind)kind, bytes, length, &first))
			continue;
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

static void read_signers(const char *bytes, size_t length)
{
	static const struct pv_identity stranger = {.name = "of no entry \x01"};
	struct pv_signers *signers;
	struct pv_err err;

	if (pv_signers_parse(&signers, bytes, length, &err) < 0)
		return;
	(void)pv_signers_may(signers, &stranger, "app/run.json");
	pv_signers_free(signers);
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

	if (length > LONGEST)
		return;
	/* What is wrong in an input is logged; a million lines of it help nothing. */
	pv_log_set_level(-1);
	copy = pv_alloc(length + 1, 1);
	if (length)
		memcpy(copy, bytes, length);
	reader->read(copy, length);
}
