/* SPDX-License-Identifier: MIT */
/* Plain directories take the place of the file system of cgroups: what is killed there is written in a
 * file.
 */
#include "leftover.h"

#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "file.h"
#include "text.h"

static struct pv_err err;

static void make(const char *root, const char *group)
{
	cleanup_free char *path = pv_fmt("%s/%s", root, group);

	CHECK(pv_mkdirs(path, 0755, &err) == 0);
}

static bool is_there(const char *root, const char *group)
{
	cleanup_free char *path = pv_fmt("%s/%s", root, group);

	return pv_exists(path);
}

static void test_groups_of_the_container_go_and_no_others(const char *root)
{
	make(root, "lxc/web/inner/.hidden");
	make(root, "lxc/web/other");
	make(root, "lxc/web2");
	make(root, "lxc.monitor.web");
	make(root, "lxc.monitor.web2");
	CHECK(pv_leftover_remove(root, "web", &err) == 0);
	CHECK(!is_there(root, "lxc/web") && !is_there(root, "lxc.monitor.web"));
	CHECK(is_there(root, "lxc/web2") && is_there(root, "lxc.monitor.web2"));
	CHECK(pv_leftover_remove(root, "web", &err) == 0);
}

/* A directory with a file in it cannot be removed, as a group in which something runs. */
static void test_what_still_runs_is_an_error(const char *root)
{
	cleanup_free char *knob = pv_fmt("%s/lxc/web/cgroup.kill", root), *text = NULL;
	size_t length;

	make(root, "lxc/web");
	CHECK(pv_write_file(knob, "", 0, &err) == 0);
	pv_leftover_kill(root, "web");
	CHECK(pv_read_file(knob, 16, &text, &length, &err) == 0);
	CHECK_TEXT(text, "1");
	CHECK(pv_leftover_remove(root, "web", &err) < 0);
	CHECK_HAS(err.text, "processes are left in");
	unlink(knob);
	CHECK(pv_leftover_remove(root, "web", &err) == 0);
}

static void test_payload_is_killed_and_seen_to_be_gone(const char *root)
{
	cleanup_free char *knob = pv_fmt("%s/lxc/web/cgroup.kill", root), *text = NULL;
	cleanup_free char *monitor = pv_fmt("%s/lxc.monitor.web/cgroup.kill", root), *its = NULL;
	cleanup_free char *events = pv_fmt("%s/lxc/web/cgroup.events", root);
	size_t length;
	int fd;

	CHECK(pv_leftover_open_events(root, "web") < 0);
	make(root, "lxc/web");
	make(root, "lxc.monitor.web");
	CHECK(pv_write_file(knob, "", 0, &err) == 0 && pv_write_file(monitor, "", 0, &err) == 0);
	CHECK(pv_write_file(events, "populated 1\nfrozen 0\n", 21, &err) == 0);
	pv_leftover_kill_payload(root, "web");
	CHECK(pv_read_file(knob, 16, &text, &length, &err) == 0 && !strcmp(text, "1"));
	CHECK(pv_read_file(monitor, 16, &its, &length, &err) == 0 && !*its);
	fd = pv_leftover_open_events(root, "web");
	CHECK(fd >= 0 && pv_leftover_is_populated(fd));
	close(fd);
	CHECK(pv_write_knob(events, "populated 0", &err) == 0);
	fd = pv_leftover_open_events(root, "web");
	CHECK(fd >= 0 && !pv_leftover_is_populated(fd));
	close(fd);
	CHECK(unlink(knob) == 0 && unlink(monitor) == 0 && unlink(events) == 0);
	CHECK(pv_leftover_remove(root, "web", &err) == 0);
}

/* A container may make groups in groups without end; each call has its share of them. */
static void test_depth_and_number_are_bounded(const char *root)
{
	char group[200] = "lxc/web";

	for (int i = 0; i < 20; i++)
		strcat(group, "/deep");
	make(root, group);
	CHECK(pv_leftover_remove(root, "web", &err) < 0);
	/* What is too deep for this test as well. */
	for (char *slash; strlen(group) > strlen("lxc/web"); *slash = '\0') {
		cleanup_free char *path = pv_fmt("%s/%s", root, group);

		CHECK(rmdir(path) == 0);
		slash = strrchr(group, '/');
	}
	CHECK(pv_leftover_remove(root, "web", &err) == 0);
}

int main(void)
{
	char root[] = "/tmp/pv-leftover-XXXXXX";
	static const char *const rest[] = {"lxc/web2", "lxc.monitor.web2", "lxc"};

	if (!mkdtemp(root))
		return 1;
	test_groups_of_the_container_go_and_no_others(root);
	test_what_still_runs_is_an_error(root);
	test_payload_is_killed_and_seen_to_be_gone(root);
	test_depth_and_number_are_bounded(root);
	for (size_t i = 0; i < PV_COUNT(rest); i++) {
		cleanup_free char *path = pv_fmt("%s/%s", root, rest[i]);

		rmdir(path);
	}
	CHECK(rmdir(root) == 0);
	return check_done();
}
