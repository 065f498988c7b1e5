/* SPDX-License-Identifier: MIT */
/* What a device does, step by step, with the functions that it does it with. */
#ifndef PV_TEST_ACTIONS_H
#define PV_TEST_ACTIONS_H

#include "oracle.h"

#define FACTORY_NAME "0"
#define FIRST_NAME "locals/first"
#define SECOND_NAME "locals/second"
#define THIRD_NAME "3"
/* A device gives up what it was about with the first call that fails. */
#define TRY(call)                  \
	do {                       \
		if ((call) < 0)    \
			return -1; \
	} while (0)

enum { FACTORY, FIRST, SECOND, THIRD, FIRMWARES };

struct device {
	struct pv_storage at; /* with the recorder's door */
	struct firmware firmwares[FIRMWARES];
	struct pv_bootenv env;
	struct pv_publisher publisher;
	struct pv_err err;
};
extern const char *const revision_names[FIRMWARES];

int device_note(
	struct device *device, int which, const char *while_it_lasts, enum pv_progress_status status);
/* Objects, the step, and its name for the boot loader, which goes on with `running` until then. */
int device_install(struct device *device, int which, int running);
int device_publish(struct device *device, int which, int running);
/* A boot in order: everything is at its place, and the loader notes what it does. */
int device_boot(struct device *device, int which, int committed);
int device_commit(struct device *device, int which, int before);
int device_collect(struct device *device, int running);

#endif
