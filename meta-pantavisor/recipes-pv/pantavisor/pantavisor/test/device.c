/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a device on a storage, for the tests of what asks it: its real server, with its
 * real judgement of states. Instead of PID 1 there is this: it allows all, and keeps each revision that it
 * is to run.
 *
 *   device STORAGE SOCKET ROOTS.pem
 */
#include <fcntl.h>

#include "caller.h"
#include "progress.h"
#include "trust.h"

#define ROOTS_BYTES 65536

static struct pv_service service;
static char running[PV_REVISION_BYTES + 1] = "0";

static void obey(const struct pv_ctrl_ask *ask)
{
	struct pv_err err;

	/* As one that tries another revision. */
	if (ask->op == PV_CTRL_RUN && unlinkat(service.storage.root, "busy", 0) == 0) {
		give(ask, 503, "{\"Error\":\"a revision is being tried\"}");
		return;
	}
	if (ask->op == PV_CTRL_RUN &&
		pv_progress_note(service.storage, ask->name, PV_PROGRESS_DONE, "kept", &err) == 0)
		strcpy(running, ask->name);
	give(ask, 200, ask->op == PV_CTRL_MAY || ask->op == PV_CTRL_COLLECT ? running : "");
}

static int serve(const char *place)
{
	struct pv_ctrl_ask ask;

	caller_begin(&service);
	CHECK(rename(address.sun_path, place) == 0);
	puts("ready");
	fflush(stdout);
	while (recv(wire, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
		obey(&ask);
	return check_done();
}

int main(int argc, char **argv)
{
	cleanup_free char *pem = NULL;
	struct pv_trust *trust;
	struct pv_err err;
	size_t length;

	if (argc != 4 || pv_read_file(argv[3], ROOTS_BYTES, &pem, &length, &err) < 0 ||
		pv_trust_parse(&trust, pem, &err) < 0) {
		fputs("usage: device STORAGE SOCKET ROOTS.pem\n", stderr);
		return 2;
	}
	service.storage = pv_storage_at(open(argv[1], O_RDONLY | O_DIRECTORY));
	service.verify =
		(struct pv_verify){.mode = PV_SECUREBOOT_STRICT, .trust = trust, .goals_timeout_s = 30};
	return serve(argv[2]);
}
