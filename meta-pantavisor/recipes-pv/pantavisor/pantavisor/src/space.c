/* SPDX-License-Identifier: MIT */
#include "space.h"

#include <inttypes.h>
#include <sys/statvfs.h>

int pv_space_check(int storage, uint64_t needed, struct pv_err *err)
{
	struct statvfs info;
	uint64_t reserved, available;

	if (fstatvfs(storage, &info) < 0)
		return pv_err_errno(err, "the free space of the storage is unknown");
	reserved = info.f_blocks / 100 * PV_SPACE_RESERVED_PERCENT;
	available = info.f_bavail > reserved ? (info.f_bavail - reserved) * info.f_frsize : 0;
	if (needed <= available)
		return 0;
	pv_err_set(err, "Space required %" PRIu64 " B, available %" PRIu64 " B", needed, available);
	pv_err_hint(err, "remove revisions that are not needed any more: run the garbage collection");
	return -1;
}
