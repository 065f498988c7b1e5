/* SPDX-License-Identifier: MIT */
#include "verify.h"

#include "alloc.h"
#include "beneath.h"
#include "log.h"
#include "sha256.h"
#include "text.h"
#include "tree.h"

#define TABLE "{\"#spec\":\"pantavisor-signers@1\",\"signers\":[{\"may\":\"all\",\"name\":\"Board\"}]}"

static const char conf[] = "lxc.rootfs.path = /volumes/web/root.squashfs\n"
			   "lxc.cap.keep = chown\n"
			   "lxc.cgroup2.devices.deny = a\n";
static struct pv_err err;

static void add_object(const char *content, char id[PV_SHA256_HEX + 1])
{
	cleanup_free char *path = NULL;

	CHECK(pv_sha256_bytes(content, strlen(content), id, &err) == 0);
	path = pv_fmt("objects/%s", id);
	tree_file(path, content);
}

/* A revision with the container "web"; what is missing of it the verification makes. */
static void make_revision(const char *text, const char *profile)
{
	char kernel[PV_SHA256_HEX + 1], conf_id[PV_SHA256_HEX + 1];
	cleanup_free char *state = NULL;

	add_object("kernel", kernel);
	add_object(text, conf_id);
	state = pv_fmt(
		"{\"#spec\":\"pantavisor-service-system@1\",\"bsp/k\":\"%s\",\"bsp/run.json\":{\"initrd\":"
		"\"k\",\"linux\":\"k\"},\"web/lxc.container.conf\":\"%s\",\"web/root.squashfs\":\"%s\","
		"\"web/run.json\":{\"config\":\"lxc.container.conf\",\"name\":\"web\",%s"
		"\"root-volume\":\"root.squashfs\",\"type\":\"lxc\"}}",
		kernel, conf_id, kernel, profile);
	tree_file("trails/0/.pvr/json", state);
}

static int verify(const struct pv_signers *signers, bool *is_confined)
{
	struct pv_verify options = {.revision = "0",
		.mode = PV_SECUREBOOT_LENIENT,
		.signers = (struct pv_signers *)(uintptr_t)signers,
		.goals_timeout_s = 1,
		.release = "6.1",
		.repair = &pv_fsops_real};
	struct pv_verified verified;
	struct pv_state state;
	int done;

	options.storage = pv_beneath_root(tree_root, &err);
	done = pv_verify_revision(&options, &state, NULL, &verified, &err);
	*is_confined = done == 0 && state.containers[0].is_confined;
	if (done == 0)
		pv_state_free(&state);
	close(options.storage);
	return done;
}

/* Its run.json asks for no filter: who may not sign the bsp cannot do without. */
static void test_system_calls_are_filtered_where_the_bsp_does_not_vouch(void)
{
	struct pv_signers *signers;
	bool is_confined;

	CHECK(pv_signers_parse(&signers, TABLE, strlen(TABLE), &err) == 0);
	tree_begin();
	make_revision(conf, "");
	CHECK(verify(NULL, &is_confined) == 0 && !is_confined);
	CHECK(verify(signers, &is_confined) == 0 && is_confined);
	tree_end();
	tree_begin();
	make_revision(conf, "\"profile\":\"confined\",");
	CHECK(verify(NULL, &is_confined) == 0 && is_confined);
	tree_end();
	pv_signers_free(signers);
}

static void test_container_that_reaches_the_device_is_refused_with_a_table(void)
{
	struct pv_signers *signers;
	bool is_confined;

	CHECK(pv_signers_parse(&signers, TABLE, strlen(TABLE), &err) == 0);
	tree_begin();
	make_revision("lxc.rootfs.path = /volumes/web/root.squashfs\n", "");
	CHECK(verify(NULL, &is_confined) == 0);
	CHECK(verify(signers, &is_confined) < 0 && strstr(err.text, "reaches the device"));
	tree_end();
	pv_signers_free(signers);
}

static void check_refused(const char *words)
{
	bool is_confined;

	CHECK(verify(NULL, &is_confined) < 0 && pv_starts_with(err.text, words));
}

/* By which tools know it; what is wrong, and where, follows. */
static void test_refusals_begin_with_the_published_words(void)
{
	tree_begin();
	make_revision(conf, "\"group\":\"none\",");
	check_refused("State JSON has bad format: container web: ");
	tree_file("trails/0/.pvr/json", "{\"#spec\":");
	check_refused("State JSON has bad format: ");
	make_revision(conf, "");
	tree_file("trails/0/web/run.json", "{}");
	check_refused("Object validation went wrong: web/run.json differs from the state");
	tree_unlink("trails/0/web/run.json");
	tree_file("trails/0/web/stray", "");
	check_refused("Object validation went wrong: web/stray is not in the state");
	tree_end();
}

int main(void)
{
	pv_log_set_level(-1);
	test_system_calls_are_filtered_where_the_bsp_does_not_vouch();
	test_container_that_reaches_the_device_is_refused_with_a_table();
	test_refusals_begin_with_the_published_words();
	return check_done();
}
