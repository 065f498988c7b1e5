/* SPDX-License-Identifier: MIT */
/* A whole state from an export onto the device: objects that it lacks, then the revision, which is tried.
 */
#ifndef PV_SDK_IMPORT_H
#define PV_SDK_IMPORT_H

#include <stdbool.h>

#include "err.h"

#define IMPORT_STATUS_BYTES 32
#define IMPORT_REASON_BYTES 512

struct import {
	const char *socket;  /* the control socket */
	const char *message; /* of the revision: where it comes from */
	char *revision;	     /* to be freed; NULL before it has a name */
	/* What the device had recorded of it already: then nothing is done. Empty if it is new. */
	char known[IMPORT_STATUS_BYTES];
	bool lacks_room; /* on the device: a collection may make some */
};

/* `fd` is the export, and closed. What broke off before goes on. Negative, and the device's reason or that
 * of the export in `err`. */
int import_export(struct import *import, int fd, struct pv_err *err);
/* What no revision needs goes from the device, with what was sent of this one. */
int import_collect(struct import *import, struct pv_err *err);
/* The status of a revision and its message; false where the device does not answer. */
bool import_status(
	const struct import *import, char status[IMPORT_STATUS_BYTES], char reason[IMPORT_REASON_BYTES]);

#endif
