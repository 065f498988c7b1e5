/* SPDX-License-Identifier: MIT */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "log.h"
#include "text.h"

static void name(char to[PV_REVISION_BYTES + 1], const char *revision)
{
	snprintf(to, PV_REVISION_BYTES + 1, "%s", revision);
}

/* Another one than before is known only once both copies are written. */
static int store(const struct pv_publisher *publisher, struct pv_bootenv next, struct pv_err *err)
{
	if (pv_bootenv_store(publisher->at, publisher->kind, &next, err) < 0)
		return -1;
	*publisher->env = next;
	return 0;
}

int pv_publish_try(const struct pv_publisher *publisher, const char *revision, struct pv_err *err)
{
	const struct pv_storage *at = &publisher->at;
	struct pv_bootenv next = *publisher->env;

	if (!pv_revision_is(revision))
		return pv_err_set(err, "\"%.80s\" is not a name of a revision", revision);
	/* What the boot loader does not find it does not try: that costs the update, and nothing else. */
	if (at->ops->checkpoint(at->root, PV_BARRIER_CHECKPOINT) < 0) {
		if (errno != ENOTSUP)
			return pv_err_errno(err, "cannot write the revision to its place on the medium");
		pv_warn("update",
			"this kernel cannot checkpoint the file system: the boot loader may not find "
			"revision %s",
			revision);
	}
	name(next.tried, revision);
	return store(publisher, next, err);
}

/* It is nothing without the boot environment. */
int pv_publish_mark(struct pv_storage at, const char *revision, struct pv_err *err)
{
	cleanup_free char *path = pv_fmt("trails/%s", revision);
	cleanup_close int trail = pv_beneath_open(at.root, path, O_RDONLY | O_DIRECTORY, err);

	if (trail < 0)
		return -1;
	if (pv_beneath_has(trail, ".pv/done"))
		return 0;
	return pv_durable_replace((struct pv_storage){trail, at.ops}, ".pv/done", "1", 1, err);
}

int pv_publish_commit(const struct pv_publisher *publisher, const char *revision, const char *previous,
	struct pv_err *err)
{
	struct pv_bootenv next = *publisher->env;

	if (!pv_revision_is(revision))
		return pv_err_set(err, "\"%.80s\" is not a name of a revision", revision);
	/* A mark that cannot be made is not a reason to go back: the next boot makes it. */
	if (pv_publish_mark(publisher->at, revision, err) < 0)
		pv_warn("update", "%s", err->text);
	name(next.previous, previous);
	name(next.revision, revision);
	next.faults = next.longest_s = 0;
	next.tried[0] = '\0';
	return store(publisher, next, err);
}

int pv_publish_forget(const struct pv_publisher *publisher, struct pv_err *err)
{
	struct pv_bootenv next = *publisher->env;

	next.tried[0] = '\0';
	return store(publisher, next, err);
}
