/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "alloc.h"
#include "beneath.h"
#include "file.h"

int pv_unit_show(int storage, const char *shown, struct pv_err *err)
{
	cleanup_free char *text = NULL;
	size_t length;

	if (!pv_beneath_has(storage, PV_UNIT_FILE))
		return 0;
	if (pv_beneath_read(storage, PV_UNIT_FILE, PV_UNIT_BYTES, &text, &length, err) < 0)
		return -1;
	return pv_write_file(shown, text, length, err);
}
