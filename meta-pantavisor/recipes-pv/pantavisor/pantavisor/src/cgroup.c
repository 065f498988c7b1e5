/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

#define PREFIX "lxc.cgroup2."
#define PERIOD_US "100000" /* the kernel's own */

/* Scales of weights: low..high of the first version to 1..10000. */
struct scale {
	int64_t low, high;
};

static const struct scale shares = {2, 262144}, weight = {10, 1000};

typedef int write_value(FILE *to, const char *to_name, const char *value, struct pv_err *err);

static int refuse(const char *value, struct pv_err *err)
{
	return pv_err_set(err, "\"%.60s\" is not a value for it", value);
}

static int same(FILE *to, const char *to_name, const char *value, struct pv_err *err)
{
	(void)err;
	fprintf(to, PREFIX "%s = %s\n", to_name, value);
	return 0;
}

/* Bytes, perhaps with K, M, G or T; INT64_MAX for no limit. */
static int read_bytes(const char *value, int64_t *bytes, struct pv_err *err)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	long long number = strtoll(value, &end, 10);

	*bytes = INT64_MAX;
	if (!strcmp(value, "-1") || !strcmp(value, "max"))
		return 0;
	if (end == value || number < 0)
		return refuse(value, err);
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit) {
		int bits = 10 * (int)(unit - units + 1);

		end++;
		if (number >> (62 - bits))
			return refuse(value, err);
		number <<= bits;
	}
	*bytes = number;
	return *end ? refuse(value, err) : 0;
}

static int limit(FILE *to, const char *to_name, const char *value, struct pv_err *err)
{
	int64_t bytes;

	if (read_bytes(value, &bytes, err) < 0)
		return -1;
	if (bytes == INT64_MAX)
		return same(to, to_name, "max", err);
	fprintf(to, PREFIX "%s = %" PRId64 "\n", to_name, bytes);
	return 0;
}

static int read_weight(const char *value, const struct scale *scale, int64_t *found, struct pv_err *err)
{
	char *end;
	int64_t number = strtoll(value, &end, 10);

	if (end == value || *end || number < 0)
		return refuse(value, err);
	/* The kernel did not refuse what was out of its bounds either. */
	if (number < scale->low)
		number = scale->low;
	if (number > scale->high)
		number = scale->high;
	*found = 1 + (number - scale->low) * 9999 / (scale->high - scale->low);
	return 0;
}

static int cpu_weight(FILE *to, const char *to_name, const char *value, struct pv_err *err)
{
	int64_t found;

	if (read_weight(value, &shares, &found, err) < 0)
		return -1;
	fprintf(to, PREFIX "%s = %" PRId64 "\n", to_name, found);
	return 0;
}

static int io_weight(FILE *to, const char *to_name, const char *value, struct pv_err *err)
{
	const char *blank = strrchr(value, ' ');
	int64_t found;

	if (read_weight(blank ? blank + 1 : value, &weight, &found, err) < 0)
		return -1;
	fprintf(to, PREFIX "%s = %.*s%" PRId64 "\n", to_name, blank ? (int)(blank + 1 - value) : 0, value,
		found);
	return 0;
}

/* "8:0 1000": `to_name` carries the member after a blank. */
static int io_max(FILE *to, const char *to_name, const char *value, struct pv_err *err)
{
	const char *member = strchr(to_name, ' ') + 1, *blank = strchr(value, ' ');

	if (!blank || strspn(value, "0123456789:") != (size_t)(blank - value) || !blank[1] ||
		blank[1 + strspn(blank + 1, "0123456789")])
		return refuse(value, err);
	fprintf(to, PREFIX "%.*s = %.*s %s=%s\n", (int)(member - 1 - to_name), to_name,
		(int)(blank - value), value, member, strcmp(blank + 1, "0") ? blank + 1 : "max");
	return 0;
}

/* A name that ends in a dot means all below it. Those of the second version pass as they are. */
static const struct {
	const char *name, *to_name;
	write_value *write;
} rows[] = {
	{"memory.soft_limit_in_bytes", "memory.low", limit},
	{"cpu.shares", "cpu.weight", cpu_weight},
	{"blkio.weight", "io.weight", io_weight},
	{"blkio.weight_device", "io.weight", io_weight},
	{"blkio.bfq.weight", "io.bfq.weight", same},
	{"blkio.throttle.read_bps_device", "io.max rbps", io_max},
	{"blkio.throttle.write_bps_device", "io.max wbps", io_max},
	{"blkio.throttle.read_iops_device", "io.max riops", io_max},
	{"blkio.throttle.write_iops_device", "io.max wiops", io_max},
	{"cpuset.cpus", "cpuset.cpus", same},
	{"cpuset.mems", "cpuset.mems", same},
	{"pids.max", "pids.max", same},
	{"rdma.max", "rdma.max", same},
	{"misc.max", "misc.max", same},
	{"memory.min", "memory.min", same},
	{"memory.low", "memory.low", same},
	{"memory.high", "memory.high", same},
	{"memory.max", "memory.max", same},
	{"memory.swap.", NULL, same},
	{"memory.oom.group", "memory.oom.group", same},
	{"cpu.weight", "cpu.weight", same},
	{"cpu.weight.nice", "cpu.weight.nice", same},
	{"cpu.max", "cpu.max", same},
	{"cpuset.cpus.partition", "cpuset.cpus.partition", same},
	{"io.", NULL, same},
};

static int take(char **slot, const char *value)
{
	free(*slot);
	*slot = pv_dup(value, strlen(value));
	return 0;
}

/* hugetlb.2MB.limit_in_bytes */
static int adapt_hugetlb(FILE *to, const char *name, const char *value, struct pv_err *err)
{
	static const char old[] = ".limit_in_bytes";
	size_t stem = strlen(name) - strlen(old);
	cleanup_free char *to_name = pv_fmt("%.*s.max", (int)stem, name);

	return limit(to, to_name, value, err);
}

static int adapt(
	struct pv_cgroup *cgroup, FILE *to, const char *name, const char *value, struct pv_err *err)
{
	if (!strcmp(name, "cpu.cfs_quota_us"))
		return take(&cgroup->quota, value);
	if (!strcmp(name, "cpu.cfs_period_us"))
		return take(&cgroup->period, value);
	if (!strcmp(name, "memory.limit_in_bytes"))
		return take(&cgroup->memory, value);
	if (!strcmp(name, "memory.memsw.limit_in_bytes"))
		return take(&cgroup->memory_and_swap, value);
	if (pv_starts_with(name, "hugetlb.") && pv_ends_with(name, ".limit_in_bytes"))
		return adapt_hugetlb(to, name, value, err);
	for (size_t i = 0; i < PV_COUNT(rows); i++)
		if (pv_ends_with(rows[i].name, ".") ? pv_starts_with(name, rows[i].name)
						    : !strcmp(name, rows[i].name))
			return rows[i].write(to, rows[i].to_name ? rows[i].to_name : name, value, err);
	pv_err_set(err, "this device has cgroup 2, which has no counterpart of it");
	pv_err_hint(err, "remove the line, or use a limit that both versions have");
	return -1;
}

int pv_cgroup_adapt(
	struct pv_cgroup *cgroup, FILE *to, const char *name, const char *value, struct pv_err *err)
{
	return adapt(cgroup, to, name, value, err) < 0 ? pv_err_wrap(err, "lxc.cgroup.%.80s", name) : 0;
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

static int finish_cpu(const struct pv_cgroup *cgroup, FILE *to, struct pv_err *err)
{
	const char *quota = cgroup->quota && strcmp(cgroup->quota, "-1") ? cgroup->quota : "max";
	const char *period = cgroup->period ? cgroup->period : PERIOD_US;

	if (!cgroup->quota && !cgroup->period)
		return 0;
	if ((strcmp(quota, "max") && !is_number(quota)) || !is_number(period))
		return pv_err_set(err, "lxc.cgroup.cpu.cfs_*: \"%.40s %.40s\" is not a quota and a period",
			quota, period);
	fprintf(to, PREFIX "cpu.max = %s %s\n", quota, period);
	return 0;
}

/* The second version limits swap apart. */
static int finish_memory(const struct pv_cgroup *cgroup, FILE *to, struct pv_err *err)
{
	int64_t memory = INT64_MAX, both = INT64_MAX;

	if (cgroup->memory && (read_bytes(cgroup->memory, &memory, err) < 0 ||
				      limit(to, "memory.max", cgroup->memory, err) < 0))
		return pv_err_wrap(err, "lxc.cgroup.memory.limit_in_bytes");
	if (!cgroup->memory_and_swap)
		return 0;
	if (read_bytes(cgroup->memory_and_swap, &both, err) < 0)
		return pv_err_wrap(err, "lxc.cgroup.memory.memsw.limit_in_bytes");
	if (both == INT64_MAX)
		return same(to, "memory.swap.max", "max", err);
	if (memory > both)
		return pv_err_set(
			err, "lxc.cgroup.memory.memsw.limit_in_bytes is less than that of memory alone");
	fprintf(to, PREFIX "memory.swap.max = %" PRId64 "\n", both - memory);
	return 0;
}

int pv_cgroup_finish(struct pv_cgroup *cgroup, FILE *to, struct pv_err *err)
{
	int done = finish_memory(cgroup, to, err) < 0 || finish_cpu(cgroup, to, err) < 0 ? -1 : 0;

	pv_cgroup_free(cgroup);
	return done;
}

void pv_cgroup_free(struct pv_cgroup *cgroup)
{
	free(cgroup->quota);
	free(cgroup->period);
	free(cgroup->memory);
	free(cgroup->memory_and_swap);
	*cgroup = (struct pv_cgroup){0};
}

/* Whatever their value is, they only bound the container. */
static const char *const limits[] = {"blkio.throttle.read_bps_device", "blkio.throttle.read_iops_device",
	"blkio.throttle.write_bps_device", "blkio.throttle.write_iops_device", "cpu.cfs_period_us",
	"cpu.cfs_quota_us", "cpu.max", "cpuset.cpus", "cpuset.mems", "io.max", "memory.high",
	"memory.limit_in_bytes", "memory.max", "memory.memsw.limit_in_bytes", "memory.oom.group",
	"memory.swap.high", "memory.swap.max", "misc.max", "pids.max", "rdma.max"};
/* Above the kernel's default they take from other containers. */
static const struct {
	const char *name;
	long most;
} default_shares[] = {{"cpu.shares", 1024}, {"cpu.weight", 100}, {"cpu.weight.nice", 19},
	{"io.bfq.weight", 100}, {"io.weight", 100}};

static bool is_huge_pages(const char *name)
{
	const char *size = name + strlen("hugetlb."), *unit;

	if (!pv_starts_with(name, "hugetlb."))
		return false;
	unit = size + strspn(size, "0123456789");
	return unit > size && unit - size <= 9 && *unit && strchr("KMG", *unit) &&
	       (!strcmp(unit + 1, "B.max") || !strcmp(unit + 1, "B.limit_in_bytes"));
}

bool pv_cgroup_is_limit(const char *name, const char *value)
{
	for (size_t i = 0; i < PV_COUNT(default_shares); i++)
		if (!strcmp(name, default_shares[i].name))
			return is_number(value) && strlen(value) <= 9 &&
			       atol(value) <= default_shares[i].most;
	for (size_t i = 0; i < PV_COUNT(limits); i++)
		if (!strcmp(name, limits[i]))
			return true;
	return is_huge_pages(name);
}
