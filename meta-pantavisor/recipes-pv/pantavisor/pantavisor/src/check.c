/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "beneath.h"
#include "log.h"
#include "pv.h"
#include "util.h"
#include "verify.h"

#define REFUSED 2
#define GOALS_TIMEOUT_S 120

static int usage(void)
{
	fputs("usage: pantavisor --check <storage> <revision> [--trust <pem>] [--mode "
	      "disabled|audit|lenient|strict]\n",
		stderr);
	return REFUSED;
}

static int parse(
	int argc, char **argv, struct pv_verify *options, const char **storage_path, const char **trust_path)
{
	int places = 0;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--trust") && i + 1 < argc)
			*trust_path = argv[++i];
		else if (!strcmp(argv[i], "--mode") && i + 1 < argc &&
			 pv_secureboot_parse(argv[i + 1], &options->mode))
			i++;
		else if (*argv[i] == '-' || places == 2)
			return -1;
		else
			*(places++ ? &options->revision : storage_path) = argv[i];
	}
	return places == 2 ? 0 : -1;
}

static int verify(const char *storage_path, const char *trust_path, struct pv_verify *options,
	struct pv_state *state, struct pv_verified *verified, struct pv_err *err)
{
	cleanup_close int storage = pv_beneath_root(storage_path, err);
	int done;

	if (storage < 0)
		return -1;
	options->storage = storage;
	if (options->mode != PV_SECUREBOOT_DISABLED &&
		pv_verify_read_trust(trust_path, &options->trust, err) < 0)
		return -1;
	done = pv_verify_revision(options, state, NULL, verified, err);
	pv_trust_free(options->trust);
	return done;
}

int pv_check(int argc, char **argv)
{
	struct pv_verify options = {
		.mode = PV_SECUREBOOT_STRICT,
		.goals_timeout_s = GOALS_TIMEOUT_S,
		.checksum = true,
	};
	const char *storage_path = NULL, *trust_path = PV_TRUST_DIR "/ca-certificates.crt";
	struct pv_verified verified;
	struct pv_state state;
	struct pv_err err = {0};
	struct utsname name;

	if (parse(argc, argv, &options, &storage_path, &trust_path) < 0)
		return usage();
	options.release = uname(&name) == 0 ? name.release : "";
	if (verify(storage_path, trust_path, &options, &state, &verified, &err) < 0) {
		fprintf(stderr, "revision %s is unusable: %s\n", options.revision, err.text);
		return REFUSED;
	}
	if (verified.has_complaint)
		fprintf(stderr, "audit: %s\n", verified.complaint.text);
	printf("revision %s verified: %zu objects, %zu signatures\n", options.revision, verified.objects,
		verified.signatures);
	pv_state_free(&state);
	return 0;
}
