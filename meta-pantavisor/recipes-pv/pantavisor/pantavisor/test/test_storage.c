/* SPDX-License-Identifier: MIT */
/* Which disk is the device's: of two that are the same that cannot be known, one that comes late is waited
 * for. */
#include "storage.h"

#include "alloc.h"
#include "check.h"
#include "text.h"
#include "world.h"

#define UUID "6e1e5d9c-95c6-4a55-9d0a-0c3b4d2f7a11"
#define LONE "0b9d3a54-7c1e-4f37-8a52-5d1f6c2e9b04"
#define FIRST_SECTOR "2048"

static struct pv_err err;

/* As the kernel shows a disk with one partition; the disks are files. */
static void show_disk(const char *disk)
{
	cleanup_free char *partition = pv_fmt("sys/devices/%s/%s1/partition", disk, disk);
	cleanup_free char *start = pv_fmt("sys/devices/%s/%s1/start", disk, disk);
	cleanup_free char *sector = pv_fmt("sys/devices/%s/queue/logical_block_size", disk);
	cleanup_free char *link = pv_fmt("sys/class/block/%s", disk), *link1 = pv_fmt("%s1", link);
	cleanup_free char *place = pv_fmt("../../devices/%s", disk),
			  *place1 = pv_fmt("%s/%s1", place, disk);

	tree_file(partition, "1\n");
	tree_file(start, FIRST_SECTOR "\n");
	tree_file(sector, "512\n");
	tree_folder("sys/class/block");
	tree_link(place, link);
	tree_link(place1, link1);
}

static void make_disk(const char *disk, const char *label, const char *uuid)
{
	cleanup_free char *name = pv_fmt("dev/%s", disk), *name1 = pv_fmt("dev/%s1", disk);
	cleanup_free char *whole = tree_path(name), *part = tree_path(name1);
	cleanup_free char *identity = pv_fmt("1:%s", uuid);
	const char *const table[] = {"sgdisk", "-n", "1:" FIRST_SECTOR ":0", "-u", identity, whole, NULL};
	const char *const ext4[] = {
		"mke2fs", "-q", "-t", "ext4", "-L", label, "-U", uuid, part, "4M", NULL};

	tree_file(name, "");
	CHECK(truncate(whole, 8 << 20) == 0);
	world_run(table);
	world_run(ext4);
}

static void check_not_mounted_after(int seconds, const char *line, const char *why)
{
	static struct pv pv;
	cleanup_free char *text = pv_fmt("PV_STORAGE_WAIT=%d\nPV_STORAGE_DEVICE=%s\n", seconds, line);

	pv_config_init(&pv.config);
	CHECK(pv_config_read_file(&pv.config, text, &err) == 0);
	CHECK(pv_storage_mount(&pv, &err) < 0 && !pv.has_storage && !pv.mounts.count);
	CHECK_HAS(err.text, why);
}

static void check_not_mounted(const char *line, const char *why)
{
	check_not_mounted_after(0, line, why);
}

static void test_two_disks_that_fit_are_none(void)
{
	check_not_mounted("LABEL=root", "2 partitions match LABEL=root, one of them /dev/sda1");
	check_not_mounted("UUID=" UUID, "2 partitions match UUID=");
	check_not_mounted("PARTUUID=" UUID, "2 partitions match PARTUUID=");
	check_not_mounted("PARTUUID=" UUID "0", "there is no storage PARTUUID=");
	check_not_mounted("LABEL=other", "there is no storage LABEL=other");
}

/* It is found, and as a file it is nothing that the kernel mounts. */
static void test_one_disk_that_fits_is_taken(void)
{
	check_not_mounted("LABEL=lone", "storage: cannot mount /dev/sdc1");
	check_not_mounted("UUID=" LONE, "storage: cannot mount /dev/sdc1");
	check_not_mounted("PARTUUID=" LONE, "storage: cannot mount /dev/sdc1");
}

/* From outside of the root of its own, a moment after it is asked to. */
static int show_disk_on_request(const char *disk)
{
	int ends[2];
	char byte;

	CHECK(pipe(ends) == 0);
	if (fork())
		return ends[1];
	if (read(ends[0], &byte, 1) == 1) {
		usleep(300000);
		show_disk(disk);
	}
	_exit(0);
}

static void test_disk_that_comes_late_is_waited_for(int asks)
{
	check_not_mounted("LABEL=lone", "there is no storage LABEL=lone after 0 s");
	CHECK(write(asks, "x", 1) == 1);
	check_not_mounted_after(60, "LABEL=lone", "storage: cannot mount /dev/sdc1");
	close(asks);
}

int main(void)
{
	int asks;

	world_begin();
	make_disk("sda", "root", UUID);
	make_disk("sdb", "root", UUID);
	make_disk("sdc", "lone", LONE);
	show_disk("sda");
	show_disk("sdb");
	asks = show_disk_on_request("sdc");
	world_bind("/proc");
	world_need(chroot(tree_root) == 0 && chdir("/") == 0, "a root of its own");
	test_two_disks_that_fit_are_none();
	test_disk_that_comes_late_is_waited_for(asks);
	test_one_disk_that_fits_is_taken();
	return check_done();
}
