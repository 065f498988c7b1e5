/* SPDX-License-Identifier: MIT */
#include "release.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "durable.h"
#include "set.h"
#include "text.h"

#define PLACE "config/release"
#define TEXT_BYTES 16

static long load(int storage)
{
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length, digits;

	if (pv_beneath_read(storage, PLACE, TEXT_BYTES, &text, &length, &err) < 0)
		return 0;
	digits = strspn(text, "0123456789");
	if (digits < 1 || digits > 10 || strcmp(text + digits, "\n") || atoll(text) > PV_SET_RELEASE)
		return 0;
	return atol(text);
}

long pv_release_load(int storage, enum pv_secureboot mode)
{
	return pv_release_least(storage, mode, 0);
}

long pv_release_least(int storage, enum pv_secureboot mode, long running)
{
	long recorded;

	if (mode != PV_SECUREBOOT_LENIENT && mode != PV_SECUREBOOT_STRICT)
		return 0;
	recorded = load(storage);
	return recorded > running ? recorded : running;
}

int pv_release_check(long release, long least, struct pv_err *err)
{
	if (release >= least)
		return 0;
	if (release)
		pv_err_set(err, "its release %ld is older than %ld, which this device has had", release,
			least);
	else
		pv_err_set(err, "it has no release, and this device has had %ld", least);
	pv_err_hint(err, "build it with release %ld or a higher one", least);
	return -1;
}

int pv_release_raise(struct pv_storage at, long release, struct pv_err *err)
{
	cleanup_free char *text = pv_fmt("%ld\n", release);

	if (release <= load(at.root))
		return 0;
	return pv_durable_replace(at, PLACE, text, strlen(text), err);
}
