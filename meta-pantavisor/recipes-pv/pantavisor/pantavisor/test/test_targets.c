/* SPDX-License-Identifier: MIT */
#include "targets.h"

#include "alloc.h"
#include "text.h"
#include "tree.h"

#define RESOLV "lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,optional,create=file 0 0\n"
#define DATA "lxc.mount.entry = /volumes/a/data srv/data none bind,rw,create=dir 0 0\n"

static struct pv_err err;

static void check(const char *conf, const char *wanted)
{
	cleanup_free char *text = NULL;
	int done = pv_targets_check(tree_root, conf, &text, &err);

	CHECK((done == 0) == (wanted != NULL));
	CHECK_TEXT(done == 0 ? text : "", wanted ? wanted : "");
}

static void test_what_is_plain_or_missing_stays(void)
{
	tree_begin();
	check("lxc.uts.name = a\n" RESOLV DATA, "lxc.uts.name = a\n" RESOLV DATA);
	tree_file("etc/resolv.conf", "");
	tree_folder("srv/data");
	check(RESOLV DATA, RESOLV DATA);
	tree_end();
}

/* A container that makes one of its folders a link would have LXC make the file there. */
static void test_links_have_nothing_made_elsewhere(void)
{
	tree_begin();
	tree_link("/storage/trails/0", "etc");
	tree_link("/storage/trails/0", "srv");
	check(RESOLV, "");
	check(RESOLV DATA, NULL);
	tree_unlink("etc");
	tree_folder("etc");
	tree_link("/storage/trails/0/resolv.conf", "etc/resolv.conf");
	check(RESOLV, "");
	tree_end();
}

static void test_what_is_mounted_over_is_not_the_container_s(void)
{
	static const char shm[] = "lxc.mount.entry = tmpfs dev/shm tmpfs rw,create=dir 0 0\n";
	static const char run[] = "lxc.mount.entry = tmpfs run tmpfs rw,create=dir 0 0\n";
	static const char maybe[] = "lxc.mount.entry = tmpfs run tmpfs rw,create=dir,optional 0 0\n";
	static const char below[] = "lxc.mount.entry = tmpfs run/x tmpfs rw,create=dir 0 0\n";
	cleanup_free char *both = pv_fmt("%s%s", run, below), *hidden = pv_fmt("%s%s", maybe, below);
	cleanup_free char *own = pv_fmt("lxc.autodev = 0\n%s", shm);

	tree_begin();
	tree_folder("dev");
	tree_folder("run");
	tree_link("/run/shm", "dev/shm");
	tree_link("/storage", "run/x");
	check(shm, shm);
	check(own, NULL);
	check(both, both);
	check(hidden, NULL);
	check(below, NULL);
	tree_end();
}

/* What processes wrote into a volume is theirs as well. */
static void test_links_in_volumes_have_nothing_made_elsewhere(void)
{
	cleanup_free char *conf = NULL, *first = NULL, *overlay = NULL;

	tree_begin();
	tree_folder("root/srv/sub");
	tree_folder("volume");
	conf = pv_fmt("lxc.mount.entry = %s/volume srv none bind,rw,create=dir 0 0\n", tree_root);
	first = pv_fmt("%slxc.mount.entry = tmpfs srv/sub tmpfs rw,create=dir 0 0\n", conf);
	overlay = pv_fmt("lxc.mount.entry = x srv overlay lowerdir=/l,upperdir=%s/volume,workdir=/w 0 0\n"
			 "lxc.mount.entry = tmpfs srv/sub tmpfs rw,create=dir 0 0\n",
		tree_root);
	check(first, first);
	check(overlay, overlay);
	tree_link("/storage/trails/0", "volume/sub");
	check(first, NULL);
	check(overlay, NULL);
	tree_end();
}

int main(void)
{
	test_what_is_plain_or_missing_stays();
	test_links_have_nothing_made_elsewhere();
	test_what_is_mounted_over_is_not_the_container_s();
	test_links_in_volumes_have_nothing_made_elsewhere();
	return check_done();
}
