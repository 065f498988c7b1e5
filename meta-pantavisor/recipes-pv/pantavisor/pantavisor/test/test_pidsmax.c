/* SPDX-License-Identifier: MIT */
#include "pidsmax.h"

#include "tree.h"

static long limit_of(const char *threads, const char *numbers, long used)
{
	cleanup_free char *kernel = NULL;
	long found;

	tree_begin();
	tree_folder("kernel");
	if (threads)
		tree_file("kernel/threads-max", threads);
	if (numbers)
		tree_file("kernel/pid_max", numbers);
	kernel = tree_path("kernel");
	found = pv_pidsmax_of(kernel, used);
	tree_end();
	return found;
}

static void test_containers_have_three_quarters_of_what_is_left(void)
{
	CHECK(limit_of("1900\n", "32768\n", 100) == 1350);
	CHECK(limit_of("200000\n", "32768\n", 168) == 24450);
	CHECK(limit_of("4194304\n", "4194304\n", 0) == 3145728);
}

static void test_a_number_that_cannot_be_read_does_not_count(void)
{
	CHECK(limit_of("2000\n", NULL, 0) == 1500);
	CHECK(limit_of(NULL, "4000\n", 0) == 3000);
	CHECK(limit_of("many\n", "4000\n", 0) == 3000);
	CHECK(limit_of("0\n", "-1\n", 0) == 24576);
	CHECK(limit_of(NULL, NULL, 0) == 24576);
}

static void test_a_few_are_always_left_to_containers(void)
{
	CHECK(limit_of("20\n", "32768\n", 0) == 16);
	CHECK(limit_of("100\n", "32768\n", 100) == 16);
	CHECK(limit_of("100\n", "32768\n", 500) == 16);
}

static void test_the_limit_is_written_for_all_containers(void)
{
	cleanup_free char *cgroups = NULL, *knob = NULL, *text = NULL;
	struct pv_err err;
	size_t length;

	tree_begin();
	tree_file("cgroup/lxc/pids.max", "max\n");
	cgroups = tree_path("cgroup");
	knob = tree_path("cgroup/lxc/pids.max");
	CHECK(pv_pidsmax_set(cgroups, "/proc/sys/kernel", &err) == 0);
	CHECK(pv_read_file(knob, 32, &text, &length, &err) == 0);
	CHECK(atol(text) >= 16 && atol(text) < 4194304 / 4 * 3);
	tree_end();
}

static long limit_of_each(const char *all)
{
	cleanup_free char *cgroups = NULL;
	long found;

	tree_begin();
	tree_folder("lxc");
	if (all)
		tree_file("lxc/pids.max", all);
	cgroups = tree_path("");
	found = pv_pidsmax_each(cgroups);
	tree_end();
	return found;
}

static void test_one_container_leaves_some_to_the_others(void)
{
	CHECK(limit_of_each("1350\n") == 900);
	CHECK(limit_of_each("max\n") == 0);
	CHECK(limit_of_each(NULL) == 0);
}

static void test_a_kernel_without_the_controller_is_reported(void)
{
	cleanup_free char *cgroups = NULL;
	struct pv_err err = {0};

	tree_begin();
	tree_folder("cgroup");
	cgroups = tree_path("cgroup");
	CHECK(pv_pidsmax_set(cgroups, "/proc/sys/kernel", &err) < 0);
	CHECK_HAS(err.text, "containers can take all processes of the device: ");
	CHECK_HAS(err.text, "/lxc/pids.max: No such file or directory");
	CHECK_TEXT(err.hint, "set CONFIG_CGROUP_PIDS=y in the kernel's configuration");
	tree_end();
}

int main(void)
{
	test_containers_have_three_quarters_of_what_is_left();
	test_a_number_that_cannot_be_read_does_not_count();
	test_a_few_are_always_left_to_containers();
	test_the_limit_is_written_for_all_containers();
	test_one_container_leaves_some_to_the_others();
	test_a_kernel_without_the_controller_is_reported();
	return check_done();
}
