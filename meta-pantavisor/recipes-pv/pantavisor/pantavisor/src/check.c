/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "alloc.h"
#include "beneath.h"
#include "console.h"
#include "log.h"
#include "pv.h"
#include "verify.h"

#define REFUSED 2
#define GOALS_TIMEOUT_S 120

static int usage(void)
{
	fputs("usage: pantavisor --check <storage> <revision> [--trust <pem>] [--signers <json>] "
	      "[--set] [--mode disabled|audit|lenient|strict]\n",
		stderr);
	return REFUSED;
}

struct places {
	const char *storage, *trust, *signers;
};

static int parse(int argc, char **argv, struct pv_verify *options, struct places *paths)
{
	int places = 0;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--trust") && i + 1 < argc)
			paths->trust = argv[++i];
		else if (!strcmp(argv[i], "--signers") && i + 1 < argc)
			paths->signers = argv[++i];
		else if (!strcmp(argv[i], "--set"))
			options->needs_set = true;
		else if (!strcmp(argv[i], "--mode") && i + 1 < argc &&
			 pv_secureboot_parse(argv[i + 1], &options->mode))
			i++;
		else if (*argv[i] == '-' || places == 2)
			return -1;
		else
			*(places++ ? &options->revision : &paths->storage) = argv[i];
	}
	return places == 2 ? 0 : -1;
}

static int verify(const struct places *paths, struct pv_verify *options, struct pv_state *state,
	struct pv_verified *verified, struct pv_err *err)
{
	cleanup_close int storage = pv_beneath_root(paths->storage, err);
	struct pv_signers *signers = NULL;
	int done;

	if (storage < 0)
		return -1;
	options->storage = storage;
	if (options->mode != PV_SECUREBOOT_DISABLED &&
		(pv_verify_read_trust(paths->trust, &options->trust, err) < 0 ||
			pv_verify_read_signers(paths->signers, &signers, err) < 0))
		return -1;
	options->signers = signers;
	done = pv_verify_revision(options, state, NULL, verified, err);
	pv_trust_free(options->trust);
	pv_signers_free(signers);
	return done;
}

/* It may name files of a hostile tree. */
static const char *clean(struct pv_err *err)
{
	pv_console_clean(err->text, strlen(err->text));
	return err->text;
}

int pv_check(int argc, char **argv)
{
	struct pv_verify options = {
		.mode = PV_SECUREBOOT_STRICT,
		.goals_timeout_s = GOALS_TIMEOUT_S,
		.checksum = true,
	};
	struct places paths = {NULL, PV_TRUST_DIR "/ca-certificates.crt", PV_SIGNERS_FILE};
	struct pv_verified verified;
	struct pv_state state;
	struct pv_err err = {0};
	struct utsname name;

	if (parse(argc, argv, &options, &paths) < 0)
		return usage();
	options.release = uname(&name) == 0 ? name.release : "";
	if (verify(&paths, &options, &state, &verified, &err) < 0) {
		fprintf(stderr, "revision %s is unusable: %s\n", options.revision, clean(&err));
		return REFUSED;
	}
	if (verified.has_complaint)
		fprintf(stderr, "audit: %s\n", clean(&verified.complaint));
	printf("revision %s verified: %zu objects, %zu signatures\n", options.revision, verified.objects,
		verified.signatures);
	if (verified.release)
		printf("release %ld, bound by a set signature\n", verified.release);
	pv_state_free(&state);
	return 0;
}
