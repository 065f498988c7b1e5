/* SPDX-License-Identifier: MIT */
#include "pidsmax.h"

#include <stdlib.h>
#include <sys/sysinfo.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

#define NUMBER_BYTES 32
/* What each kernel has where its machine is not larger. */
#define USUAL 32768
/* Fewer start no container. */
#define LEAST 16

/* 0: there is none. */
static long read_number(const char *folder, const char *name)
{
	cleanup_free char *path = pv_fmt("%s/%s", folder, name);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	long number = 0;

	if (pv_read_file(path, NUMBER_BYTES, &text, &length, &err) == 0)
		number = strtol(text, NULL, 10);
	return number > 0 ? number : 0;
}

long pv_pidsmax_of(const char *kernel, long used)
{
	long threads = read_number(kernel, "threads-max"), numbers = read_number(kernel, "pid_max");
	long most = threads && (!numbers || threads < numbers) ? threads : numbers;
	long limit = ((most ? most : USUAL) - used) / 4 * 3;

	return limit > LEAST ? limit : LEAST;
}

/* As lxc.cgroup.dir.container of lxcfile.c. */
static char *group_of_all(const char *cgroups)
{
	return pv_fmt("%s/lxc", cgroups);
}

int pv_pidsmax_set(const char *cgroups, const char *kernel, struct pv_err *err)
{
	cleanup_free char *group = group_of_all(cgroups), *knob = pv_fmt("%s/pids.max", group);
	cleanup_free char *limit = NULL;
	struct sysinfo now;

	limit = pv_fmt("%ld", pv_pidsmax_of(kernel, sysinfo(&now) < 0 ? 0 : now.procs));
	if (pv_mkdirs(group, 0755, err) == 0 && pv_write_knob(knob, limit, err) == 0)
		return 0;
	pv_err_wrap(err, "containers can take all processes of the device");
	pv_err_hint(err, "set CONFIG_CGROUP_PIDS=y in the kernel's configuration");
	return -1;
}

long pv_pidsmax_each(const char *cgroups)
{
	cleanup_free char *group = group_of_all(cgroups);

	return read_number(group, "pids.max") / 3 * 2;
}
