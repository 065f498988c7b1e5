/* SPDX-License-Identifier: MIT */
/* What a change asks for: a table of two states each, all of one base. */
#include "diff.h"

#include "check.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BSP(id) "\"bsp/kernel.img\":\"" id "\",\"bsp/run.json\":{\"linux\":\"kernel.img\"}"
#define APP(c, id, policy)                                                                               \
	",\"" c "/lxc.container.conf\":\"" A "\",\"" c "/root.squashfs\":\"" id "\",\"" c                \
	"/run.json\":{\"config\":\"lxc.container.conf\",\"name\":\"" c "\",\"restart_policy\":\"" policy \
	"\",\"root-volume\":\"root.squashfs\",\"type\":\"lxc\"}"
#define WEB APP("web", A, "container")
#define SYS APP("sys", A, "system")

static void load(struct pv_state *state, const char *members)
{
	cleanup_free char *text = pv_fmt("{\"#spec\":\"pantavisor-service-system@1\",%s}", members);
	struct pv_err err = {0};

	if (pv_state_parse(state, text, strlen(text), &err) < 0 ||
		pv_state_read_manifests(state, 30, "6.1", &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static size_t find(const struct pv_state *state, const char *name)
{
	for (size_t i = 0; i < state->container_count; i++)
		if (!strcmp(state->containers[i].name, name))
			return i;
	return PV_CONTAINERS - 1; /* nothing was noted there */
}

static const struct {
	const char *what, *before, *after;
	const char *reboot;
	enum pv_change old_web, new_web;
} rows[] = {
	{"nothing", BSP(A) WEB SYS, BSP(A) WEB SYS, NULL, PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"another order", BSP(A) WEB SYS, BSP(A) SYS WEB, NULL, PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"a root", BSP(A) WEB SYS, BSP(A) APP("web", B, "container") SYS, NULL, PV_CHANGE_RESTART,
		PV_CHANGE_RESTART},
	{"a configuration", BSP(A) WEB, BSP(A) WEB ",\"_config/web/etc/x\":\"" A "\"", NULL,
		PV_CHANGE_RESTART, PV_CHANGE_RESTART},
	{"inline JSON", BSP(A) WEB ",\"web/x.json\":{\"a\":1}", BSP(A) WEB ",\"web/x.json\":{\"a\":2}",
		NULL, PV_CHANGE_RESTART, PV_CHANGE_RESTART},
	{"a container more", BSP(A) SYS, BSP(A) WEB SYS, NULL, PV_CHANGE_KEEP, PV_CHANGE_START},
	{"a container less", BSP(A) WEB SYS, BSP(A) SYS, NULL, PV_CHANGE_STOP, PV_CHANGE_KEEP},
	{"signatures", BSP(A) WEB ",\"_sigs/web.json\":{\"a\":1}",
		BSP(A) WEB ",\"_sigs/web.json\":{\"a\":2},\"_sigs/set.json\":{}", NULL, PV_CHANGE_KEEP,
		PV_CHANGE_KEEP},
	{"the kernel", BSP(A) WEB, BSP(B) WEB, "bsp/kernel.img", PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"a root that the system needs", BSP(A) SYS, BSP(A) APP("sys", B, "system"), "sys/root.squashfs",
		PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"a policy that was system", BSP(A) APP("web", A, "system"), BSP(A) WEB, "web/run.json",
		PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"a policy that becomes system", BSP(A) WEB, BSP(A) APP("web", A, "system"), "web/run.json",
		PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"a container more that the system needs", BSP(A) WEB, BSP(A) WEB SYS, "sys/lxc.container.conf",
		PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"one less", BSP(A) WEB SYS, BSP(A) WEB, "sys/lxc.container.conf", PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"a file beside", BSP(A) WEB, BSP(A) WEB ",\"README.md\":\"" A "\"", "README.md", PV_CHANGE_KEEP,
		PV_CHANGE_KEEP},
	{"a file with a container's name as its beginning", BSP(A) WEB, BSP(A) WEB ",\"web2/x\":\"" A "\"",
		"web2/x", PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"the configuration of none", BSP(A) WEB, BSP(A) WEB ",\"_config/other/x\":\"" A "\"",
		"_config/other/x", PV_CHANGE_KEEP, PV_CHANGE_KEEP},
	{"groups", BSP(A) WEB, BSP(A) WEB ",\"device.json\":{\"groups\":[{\"name\":\"one\"}]}",
		"device.json", PV_CHANGE_KEEP, PV_CHANGE_KEEP},
};

static void test_each_change_asks_for_what_it_needs(void)
{
	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		struct pv_state before, after;
		struct pv_diff diff;
		int failures = check_failures;

		load(&before, rows[i].before);
		load(&after, rows[i].after);
		pv_diff_states(&before, &after, &diff);
		if (rows[i].reboot)
			CHECK_TEXT(diff.reboot, rows[i].reboot);
		else
			CHECK(!diff.reboot);
		CHECK(diff.before[find(&before, "web")] == rows[i].old_web);
		CHECK(diff.after[find(&after, "web")] == rows[i].new_web);
		CHECK(diff.before[find(&before, "sys")] == PV_CHANGE_KEEP);
		CHECK(diff.after[find(&after, "sys")] == PV_CHANGE_KEEP);
		if (check_failures != failures)
			fprintf(stderr, "with %s changed\n", rows[i].what);
		pv_state_free(&before);
		pv_state_free(&after);
	}
}

static void test_container_that_is_confined_now_is_begun_anew(void)
{
	struct pv_state before, after;
	struct pv_diff diff;

	load(&before, BSP(A) WEB SYS);
	load(&after, BSP(A) WEB SYS);
	after.containers[find(&after, "web")].is_confined = true;
	pv_diff_states(&before, &after, &diff);
	CHECK(!diff.reboot && diff.after[find(&after, "web")] == PV_CHANGE_RESTART);
	after.containers[find(&after, "sys")].is_confined = true;
	pv_diff_states(&before, &after, &diff);
	CHECK_TEXT(diff.reboot, "sys/run.json");
	pv_state_free(&before);
	pv_state_free(&after);
}

int main(void)
{
	test_each_change_asks_for_what_it_needs();
	test_container_that_is_confined_now_is_begun_anew();
	return check_done();
}
