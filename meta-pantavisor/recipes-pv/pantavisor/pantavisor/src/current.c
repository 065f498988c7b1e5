/* SPDX-License-Identifier: MIT */
#include "current.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "log.h"
#include "note.h"
#include "text.h"

/* A link that people follow; nothing of ours does. */
static void point(const struct pv *pv, const char *folder)
{
	struct pv_err err;
	cleanup_close int fd = pv_beneath_open(pv->storage, folder, O_RDONLY | O_DIRECTORY, &err);
	char there[PV_REVISION_BYTES + 1] = "";

	if (fd < 0) {
		pv_warn("boot", "%s", err.text);
		return;
	}
	if (readlinkat(fd, "current", there, sizeof(there) - 1) > 0 && !strcmp(there, pv->run->revision))
		return;
	pv_fsops_real.unlink(fd, "current" PV_DURABLE_BESIDE);
	if (pv_fsops_real.symlink(pv->run->revision, fd, "current" PV_DURABLE_BESIDE) < 0 ||
		pv_fsops_real.rename(fd, "current" PV_DURABLE_BESIDE, "current") < 0)
		pv_warn("boot", "cannot point %s/current to %s", folder, pv->run->revision);
}

void pv_current_log(const struct pv *pv)
{
	cleanup_free char *path = pv_fmt("logs/%s/pantavisor/pantavisor.log", pv->run->revision);

	pv_log_open_file(pv->storage, path);
}

void pv_current_point(const struct pv *pv)
{
	point(pv, "trails");
	point(pv, "logs");
}

static int write_links(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	(void)env;
	(void)err;
	pv_current_point(note->pv);
	return 0;
}

void pv_current_show(struct pv *pv)
{
	struct pv_note note = pv_note_of(pv, write_links, NULL);

	if (!pv->has_storage)
		return;
	pv_current_log(pv);
	pv_note(&note);
}
