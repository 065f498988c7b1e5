/* SPDX-License-Identifier: MIT */
/* Sticks: which disks are some, and what is taken from one. */
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "../pv-sdk/stick.h"
#include "loopdev.h"
#include "tree.h"

#define SKIP 77

static void disk(const char *path, const char *device, const char *removable)
{
	cleanup_free char *dev = pv_fmt("%s/dev", path), *word = pv_fmt("%s/removable", path);

	tree_file(dev, device);
	if (removable)
		tree_file(word, removable);
}

static void link_block(const char *folder, const char *name, const char *to)
{
	cleanup_free char *link = pv_fmt("%s/%s/%s", tree_root, folder, name),
			  *target = pv_fmt("../%s", to);

	CHECK(symlink(target, link) == 0);
}

static void test_what_can_be_taken_out_is_a_stick(void)
{
	static struct stick sticks[STICKS];
	cleanup_free char *folder = tree_path("block");
	size_t count, seen = 0;

	tree_folder("block");
	disk("pci/sda", "8:0\n", "0\n");
	disk("pci/sda/sda1", "8:1\n", NULL);
	disk("pci/sdb", "8:16\n", "1\n");
	disk("pci/sdb/sdb1", "8:17\n", NULL);
	disk("pci/usb1/1-2/sdc", "8:32\n", "0\n");
	disk("pci/sdd", "nonsense\n", "1\n");
	link_block("block", "sda", "pci/sda");
	link_block("block", "sda1", "pci/sda/sda1");
	link_block("block", "sdb", "pci/sdb");
	link_block("block", "sdb1", "pci/sdb/sdb1");
	link_block("block", "sdc", "pci/usb1/1-2/sdc");
	link_block("block", "sdd", "pci/sdd");
	link_block("block", "gone", "pci/gone");
	count = stick_list(folder, sticks);
	CHECK(count == 3);
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(sticks[i].name, "sdb1"))
			CHECK(sticks[i].device == makedev(8, 17));
		seen += !strcmp(sticks[i].name, "sdb") || !strcmp(sticks[i].name, "sdb1") ||
			!strcmp(sticks[i].name, "sdc");
	}
	CHECK(seen == 3);
	CHECK(stick_list("/nowhere", sticks) == 0);
}

static void test_sticks_have_their_turn_in_the_order_in_which_they_came(void)
{
	static const char *const order[] = {"sdc", "sdc1", "sda", "sdb", "sdb1"};
	static struct stick sticks[STICKS];
	cleanup_free char *folder = tree_path("turns");

	disk("turn/sda", "8:0\n", "1\n");
	disk("turn/sdb", "8:16\n", "1\n");
	disk("turn/sdb/sdb1", "8:17\n", NULL);
	disk("turn/sdc", "8:32\n", "1\n");
	disk("turn/sdc/sdc1", "8:33\n", NULL);
	tree_file("turn/sda/diskseq", "9\n");
	tree_file("turn/sdb/diskseq", "10\n");
	tree_file("turn/sdc/diskseq", "8\n");
	tree_folder("turns");
	link_block("turns", "sdb1", "turn/sdb/sdb1");
	link_block("turns", "sdc1", "turn/sdc/sdc1");
	link_block("turns", "sda", "turn/sda");
	link_block("turns", "sdb", "turn/sdb");
	link_block("turns", "sdc", "turn/sdc");
	CHECK(stick_list(folder, sticks) == 5);
	for (size_t i = 0; i < 5; i++)
		CHECK(!strcmp(sticks[i].name, order[i]));
}

static void test_another_stick_in_the_same_socket_is_another_one(void)
{
	const struct stick known[] = {{"sda", makedev(8, 0), 3}, {"sda1", makedev(8, 1), 3}};
	const struct stick same = {"sda1", makedev(8, 1), 3}, next = {"sda1", makedev(8, 1), 4};

	CHECK(stick_is_among(&same, known, 2));
	CHECK(!stick_is_among(&next, known, 2));
	CHECK(!stick_is_among(&same, known, 1));
}

static int take(const char *folder, char name[256], struct pv_err *err)
{
	cleanup_free char *place = tree_path(folder);

	return stick_export(place, name, err);
}

static void test_one_plain_export_is_taken(void)
{
	cleanup_free char *link = NULL, *fifo = NULL;
	char name[256];
	struct pv_err err;
	int file;

	tree_file("none/other.tgz", "");
	tree_file("none/.hidden.pvrexport.tgz", "");
	CHECK(take("none", name, &err) < 0 && !*err.text);
	tree_file("one/a.pvrexport.tar", "x");
	file = take("one", name, &err);
	CHECK(file >= 0);
	CHECK_TEXT(name, "a.pvrexport.tar");
	close(file);
	tree_file("one/b.pvrexport.tgz", "x");
	CHECK(take("one", name, &err) < 0);
	CHECK_HAS(err.text, "2 exports");
	tree_folder("link");
	link = tree_path("link/a.pvrexport.tgz");
	CHECK(symlink("/etc/passwd", link) == 0);
	CHECK(take("link", name, &err) < 0);
	CHECK_HAS(err.text, "is not a file that can be read");
	/* It does not wait for the other end. */
	tree_folder("fifo");
	fifo = tree_path("fifo/a.pvrexport.tgz");
	CHECK(mkfifo(fifo, 0600) == 0);
	CHECK(take("fifo", name, &err) < 0);
	CHECK_HAS(err.text, "is not a file that can be read");
	CHECK(take("gone", name, &err) < 0 && *err.text);
}

/* An export behind them would not be seen. */
static void test_a_stick_of_very_many_names_is_refused(void)
{
	char name[256];
	struct pv_err err;

	for (int i = 0; i < 5000; i++) {
		cleanup_free char *path = pv_fmt("many/%d.jpg", i);

		tree_file(path, "");
	}
	CHECK(take("many", name, &err) < 0);
	CHECK_HAS(err.text, "more than 4096 names at its top");
}

/* In a child: its mounts are its own. */
static void mount_image(const char *make, int wanted)
{
	cleanup_free char *image = tree_path("image"), *place = tree_path("place"), *command = NULL;
	char device[PV_LOOPDEV_BYTES];
	struct stick stick = {.name = "loop"};
	struct pv_err err = {0};
	struct statvfs info;
	struct stat node;
	pid_t child;
	int status, file, held;

	command = pv_fmt("rm -f %s; truncate -s 40M %s && PATH=$PATH:/usr/sbin:/sbin %s %s >/dev/null 2>&1",
		image, image, make, image);
	CHECK(system(command) == 0);
	child = fork();
	if (!child) {
		file = open(image, O_RDONLY);
		held = pv_loopdev_attach(file, "stick", device, &err);
		if (held < 0 || stat(device, &node) < 0)
			_exit(SKIP);
		stick.device = node.st_rdev;
		CHECK(stick_mount(&stick, place, &err) == wanted);
		if (!wanted && statvfs(place, &info) == 0)
			CHECK((info.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)) ==
				(ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
		if (*err.text)
			fprintf(stderr, "%s\n", err.text);
		_exit(check_done());
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIP)
		fprintf(stderr, "not run: there is no loop device\n");
	else
		CHECK(WEXITSTATUS(status) == 0);
	/* Nothing of it is seen here. */
	CHECK(statvfs(place, &info) == 0 && !(info.f_flag & ST_RDONLY));
}

static void test_file_systems_are_mounted_without_rights(void)
{
	if (geteuid()) {
		fprintf(stderr, "not run: mounting takes root\n");
		return;
	}
	tree_folder("place");
	mount_image("mke2fs -q -t ext4", 0);
	mount_image("true", 1);
}

int main(void)
{
	tree_begin();
	test_what_can_be_taken_out_is_a_stick();
	test_sticks_have_their_turn_in_the_order_in_which_they_came();
	test_another_stick_in_the_same_socket_is_another_one();
	test_one_plain_export_is_taken();
	test_a_stick_of_very_many_names_is_refused();
	test_file_systems_are_mounted_without_rights();
	tree_end();
	return check_done();
}
