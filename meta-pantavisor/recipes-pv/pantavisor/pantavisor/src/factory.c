/* SPDX-License-Identifier: MIT */
#include "factory.h"

#include "alloc.h"
#include "beneath.h"
#include "release.h"
#include "step.h"
#include "text.h"

int pv_factory_make(struct pv_storage at, const struct pv_verify *options, long running, const char *from,
	struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("trails/%s/.pvr/json", from), *text = NULL;
	struct pv_step step = {.revision = PV_FACTORY, .replaces = true};

	if (pv_beneath_read(at.root, path, PV_JSON_TEXT_BYTES, &text, &step.length, err) < 0)
		return -1;
	step.text = text;
	step.least_release = pv_release_least(at.root, options->mode, running);
	return pv_step_create(at, options, &step, err);
}
