/* SPDX-License-Identifier: MIT */
#include "mapper.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "alloc.h"

#define CONTROL "/dev/mapper/control"
#define TABLE_BYTES 2048

struct request {
	struct dm_ioctl head;
	struct dm_target_spec spec;
	char table[TABLE_BYTES];
};

static void begin(struct request *request, const char *name, uint32_t flags)
{
	memset(request, 0, sizeof(*request));
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = offsetof(struct request, spec);
	request->head.flags = flags;
	snprintf(request->head.name, sizeof(request->head.name), "%s", name);
}

static int create(int control, struct request *request, const char *name, struct pv_err *err)
{
	begin(request, name, 0);
	return ioctl(control, DM_DEV_CREATE, request) < 0 ? pv_err_errno(err, "no device %s", name) : 0;
}

static int load(int control, struct request *request, const char *name, const char *target,
	const char *table, uint64_t sectors, struct pv_err *err)
{
	begin(request, name, DM_READONLY_FLAG);
	request->head.target_count = 1;
	request->spec.length = sectors;
	snprintf(request->spec.target_type, sizeof(request->spec.target_type), "%s", target);
	snprintf(request->table, sizeof(request->table), "%s", table);
	if (ioctl(control, DM_TABLE_LOAD, request) < 0)
		return pv_err_errno(
			err, "the kernel refuses a table of %s; its module may be missing", target);
	begin(request, name, 0);
	return ioctl(control, DM_DEV_SUSPEND, request) < 0 ? pv_err_errno(err, "no device %s", name) : 0;
}

int pv_mapper_open(const char *name, const char *target, const char *table, uint64_t sectors,
	char device[PV_MAPPER_DEVICE_BYTES], struct pv_err *err)
{
	cleanup_close int control = open(CONTROL, O_RDWR | O_CLOEXEC);
	cleanup_free struct request *request = pv_alloc(1, sizeof(*request));

	if (control < 0)
		return pv_err_errno(err, "there is no device mapper (dm_mod)");
	if (create(control, request, name, err) < 0)
		return -1;
	if (load(control, request, name, target, table, sectors, err) < 0) {
		pv_mapper_close(name);
		return -1;
	}
	snprintf(device, PV_MAPPER_DEVICE_BYTES, "/dev/dm-%u", minor(request->head.dev));
	return 0;
}

void pv_mapper_close(const char *name)
{
	cleanup_close int control = open(CONTROL, O_RDWR | O_CLOEXEC);
	cleanup_free struct request *request = pv_alloc(1, sizeof(*request));

	begin(request, name, DM_DEFERRED_REMOVE);
	if (control >= 0)
		(void)ioctl(control, DM_DEV_REMOVE, request);
}
