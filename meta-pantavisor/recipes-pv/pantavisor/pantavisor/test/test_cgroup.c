/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include "alloc.h"
#include "check.h"
#include "text.h"

static struct pv_err err;

/* Pairs of name and value, ended by NULL; NULL if they are refused. */
static char *adapted(const char *const *pairs)
{
	struct pv_cgroup cgroup = {0};
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	int done = 0;

	for (; done == 0 && *pairs; pairs += 2)
		done = pv_cgroup_adapt(&cgroup, to, pairs[0], pairs[1], &err);
	if (done == 0)
		done = pv_cgroup_finish(&cgroup, to, &err);
	pv_cgroup_free(&cgroup);
	fclose(to);
	if (done == 0)
		return text;
	free(text);
	return NULL;
}

static void check_one(const char *name, const char *value, const char *wanted)
{
	cleanup_free char *found = adapted((const char *const[]){name, value, NULL});
	cleanup_free char *line = pv_fmt("lxc.cgroup2.%s\n", wanted);

	CHECK_TEXT(found, line);
}

static void check_refused(const char *name, const char *value, const char *why)
{
	CHECK(!adapted((const char *const[]){name, value, NULL}));
	CHECK_HAS(err.text, name);
	CHECK_HAS(err.text, why);
}

static void test_each_limit_has_its_counterpart(void)
{
	check_one("memory.limit_in_bytes", "64M", "memory.max = 67108864");
	check_one("memory.limit_in_bytes", "1g", "memory.max = 1073741824");
	check_one("memory.limit_in_bytes", "-1", "memory.max = max");
	check_one("memory.soft_limit_in_bytes", "4096", "memory.low = 4096");
	check_one("memory.memsw.limit_in_bytes", "-1", "memory.swap.max = max");
	check_one("cpu.shares", "2", "cpu.weight = 1");
	check_one("cpu.shares", "1024", "cpu.weight = 39");
	check_one("cpu.shares", "999999", "cpu.weight = 10000");
	check_one("cpu.cfs_quota_us", "50000", "cpu.max = 50000 100000");
	check_one("cpu.cfs_quota_us", "-1", "cpu.max = max 100000");
	check_one("cpu.cfs_period_us", "5000", "cpu.max = max 5000");
	check_one("cpuset.cpus", "0-1", "cpuset.cpus = 0-1");
	check_one("pids.max", "max", "pids.max = max");
	check_one("blkio.weight", "1000", "io.weight = 10000");
	check_one("blkio.weight_device", "8:0 10", "io.weight = 8:0 1");
	check_one("blkio.throttle.read_bps_device", "8:0 1048576", "io.max = 8:0 rbps=1048576");
	check_one("blkio.throttle.write_iops_device", "8:16 0", "io.max = 8:16 wiops=max");
	check_one("hugetlb.2MB.limit_in_bytes", "2M", "hugetlb.2MB.max = 2097152");
}

static void test_names_of_the_second_version_pass(void)
{
	check_one("memory.max", "1M", "memory.max = 1M");
	check_one("memory.swap.high", "0", "memory.swap.high = 0");
	check_one("io.max", "8:0 rbps=1", "io.max = 8:0 rbps=1");
}

static void test_two_lines_become_one(void)
{
	cleanup_free char *cpu = adapted(
		(const char *const[]){"cpu.cfs_period_us", "20000", "cpu.cfs_quota_us", "10000", NULL});
	cleanup_free char *memory = adapted((const char *const[]){
		"memory.memsw.limit_in_bytes", "96M", "memory.limit_in_bytes", "64M", NULL});

	CHECK_TEXT(cpu, "lxc.cgroup2.cpu.max = 10000 20000\n");
	CHECK_TEXT(memory, "lxc.cgroup2.memory.max = 67108864\nlxc.cgroup2.memory.swap.max = 33554432\n");
	CHECK(!adapted((const char *const[]){
		"memory.memsw.limit_in_bytes", "1M", "memory.limit_in_bytes", "2M", NULL}));
	CHECK(!adapted((const char *const[]){"memory.memsw.limit_in_bytes", "1M", NULL}));
}

static void test_what_has_no_counterpart_is_refused_by_name(void)
{
	check_refused("net_cls.classid", "1", "has no counterpart of it");
	check_refused("memory.swappiness", "0", "has no counterpart of it");
	check_refused("cpu.rt_runtime_us", "1", "has no counterpart of it");
	check_refused("cpuset.cpu_exclusive", "1", "has no counterpart of it");
	check_refused("freezer.state", "FROZEN", "has no counterpart of it");
	check_refused("x", "1", "has no counterpart of it");
}

static void test_what_is_not_a_value_is_refused(void)
{
	check_refused("memory.limit_in_bytes", "much", "not a value");
	check_refused("memory.limit_in_bytes", "64MB", "not a value");
	check_refused("memory.limit_in_bytes", "-2", "not a value");
	check_refused("memory.limit_in_bytes", "9223372036854775807T", "not a value");
	check_refused("cpu.shares", "", "not a value");
	check_refused("blkio.throttle.read_bps_device", "1000", "not a value");
	check_refused("blkio.throttle.read_bps_device", "8:0 x", "not a value");
	CHECK(!adapted((const char *const[]){"cpu.cfs_quota_us", "half", NULL}));
}

int main(void)
{
	test_each_limit_has_its_counterpart();
	test_names_of_the_second_version_pass();
	test_two_lines_become_one();
	test_what_has_no_counterpart_is_refused_by_name();
	test_what_is_not_a_value_is_refused();
	return check_done();
}
