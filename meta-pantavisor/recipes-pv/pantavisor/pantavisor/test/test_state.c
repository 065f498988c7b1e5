/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "alloc.h"
#include "check.h"

#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD "{\"#spec\":\"pantavisor-service-system@1\","
#define BSP "\"bsp/kernel.img\":\"" SHA "\",\"bsp/run.json\":{\"linux\":\"kernel.img\"},"
#define FILES(c) "\"" c "/lxc.container.conf\":\"" SHA "\",\"" c "/root.squashfs\":\"" SHA "\","
#define RUN(c, more)                                                          \
	FILES(c)                                                              \
	"\"" c "/run.json\":{\"config\":\"lxc.container.conf\",\"name\":\"" c \
	"\",\"root-volume\":\"root.squashfs\",\"type\":\"lxc\"" more "}"

static struct pv_err err;

static int load(struct pv_state *state, const char *text)
{
	if (pv_state_parse(state, text, strlen(text), &err) < 0)
		return -1;
	if (pv_state_read_manifests(state, 120, "6.1", &err) == 0)
		return 0;
	pv_state_free(state);
	return -1;
}

static bool refuses(const char *text, const char *why)
{
	struct pv_state state;

	if (load(&state, text) == 0) {
		pv_state_free(&state);
		return false;
	}
	CHECK_HAS(err.text, why);
	return true;
}

static void test_containers_get_what_their_group_says(void)
{
	static const char text[] = HEAD BSP RUN("a", ",\"group\":\"one\"") "," RUN("b",
		",\"restart_policy\":\"system\",\"status_goal\":"
		"\"READY\"") ","
			     "\"device.json\":{\"groups\":[{\"name\":"
			     "\"one\",\"restart_policy\":\"system\","
			     "\"timeout\":7},"
			     "{\"name\":\"two\",\"auto_recovery\":{"
			     "\"policy\":\"always\"}}]},\"_config/b/"
			     "etc/x\":\"" SHA "\"}";
	struct pv_state state;

	CHECK(load(&state, text) == 0);
	CHECK(state.container_count == 2 && state.group_count == 2);
	CHECK(state.groups[0].timeout_s == 7 && state.groups[1].timeout_s == 120);
	CHECK(state.containers[0].group == 0 && state.containers[0].restart == PV_RESTART_SYSTEM);
	CHECK(state.containers[0].goal == PV_GOAL_STARTED && !state.containers[0].has_config);
	/* Without a group of its own it joins the last. */
	CHECK(state.containers[1].group == 1 && state.containers[1].restart == PV_RESTART_SYSTEM);
	CHECK(state.containers[1].goal == PV_GOAL_READY && state.containers[1].has_config);
	CHECK(state.containers[1].recovery.mode == PV_RECOVER_ALWAYS);
	pv_state_free(&state);
}

static void test_built_in_groups_take_the_first_to_root(void)
{
	static const char text[] =
		HEAD BSP RUN("a", "") "," RUN("b", "") "," RUN("c", ",\"runlevel\":\"app\"") "}";
	struct pv_state state;

	CHECK(load(&state, text) == 0);
	CHECK(state.group_count == 4);
	CHECK_TEXT(state.groups[state.containers[0].group].name, "root");
	CHECK_TEXT(state.groups[state.containers[1].group].name, "platform");
	CHECK_TEXT(state.groups[state.containers[2].group].name, "app");
	CHECK(state.containers[2].recovery.max_retries == 5);
	pv_state_free(&state);
	CHECK(load(&state, HEAD BSP RUN("a", ",\"group\":\"data\"") "," RUN(
				   "b", ",\"group\":\"data\",\"status_goal\":\"STARTED\"") "}") == 0);
	/* Nothing is started of one that is to be mounted. */
	CHECK(state.containers[0].goal == PV_GOAL_MOUNTED && !state.containers[0].lxc_conf);
	CHECK(state.containers[1].goal == PV_GOAL_STARTED && state.containers[1].lxc_conf);
	pv_state_free(&state);
}

static void test_groups_of_old_states_are_read(void)
{
	static const char text[] = HEAD BSP RUN("a", "") "," RUN("b",
		",\"group\":\"one\"") ","
				      "\"groups.json\":[{\"name\":\"one\",\"restart_policy\":\"system\"},"
				      "{\"name\":\"two\",\"timeout\":7}],\"disks.json\":[]}";
	static const char both[] = HEAD BSP RUN(
		"a", "") ",\"device.json\":{\"groups\":[{\"name\":\"new\"}]},"
			 "\"groups.json\":[{\"name\":\"old\"}],\"disks.json\":[{\"name\":\"d\"}]}";
	struct pv_state state;

	CHECK(load(&state, text) == 0);
	CHECK(state.group_count == 2 && state.groups[1].timeout_s == 7);
	/* Published runtimes put it into the last one. */
	CHECK_TEXT(state.groups[state.containers[0].group].name, "two");
	CHECK_TEXT(state.groups[state.containers[1].group].name, "one");
	CHECK(state.containers[1].restart == PV_RESTART_SYSTEM);
	pv_state_free(&state);
	CHECK(load(&state, both) == 0);
	CHECK(state.group_count == 1);
	CHECK_TEXT(state.groups[0].name, "new");
	pv_state_free(&state);
	CHECK(refuses(HEAD BSP "\"groups.json\":{\"groups\":[]}}", "groups.json is not a list"));
	CHECK(refuses(HEAD BSP "\"groups.json\":[]}", "groups.json is not a list"));
	CHECK(refuses(HEAD BSP "\"groups.json\":\"" SHA "\"}", "groups.json is not a list"));
	CHECK(refuses(HEAD BSP "\"groups.json\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
		"groups.json: two groups"));
	CHECK(refuses(HEAD BSP "\"disks.json\":[{\"name\":\"d\"}]}", "disks.json declares disks"));
	CHECK(refuses(HEAD BSP "\"disks_v3.json\":{\"a\":1}}", "disks_v3.json declares disks"));
}

static void test_volumes(void)
{
	static const char text[] = HEAD BSP FILES(
		"a") "\"a/more.squashfs\":\"" SHA "\",\"a/root.squashfs.hash\":\"" SHA "\","
		     "\"a/_dm/root.squashfs.json\":{\"type\":\"dm-verity\",\"data_device\":"
		     "\"root.squashfs\",\"hash_device\":\"root.squashfs.hash\",\"root_hash\":\"" SHA "\"},"
		     "\"a/"
		     "run.json\":{\"config\":\"lxc.container.conf\",\"name\":\"a\",\"root-"
		     "volume\":\"dm:root.squashfs\",\"type\":\"lxc\","
		     "\"volumes\":[\"more.squashfs\"],\"storage\":{\"docker--data\":{"
		     "\"persistence\":\"permanent\"},"
		     "\"lxc-overlay\":{\"persistence\":\"boot\"},\"odd\":{\"persistence\":\"/"
		     "etc\"},\"none\":{}}}}";
	struct pv_state state;

	CHECK(load(&state, text) == 0);
	CHECK(state.containers[0].file_count == 2 && state.containers[0].storage_count == 3);
	CHECK_TEXT(state.containers[0].files[0].name, "root.squashfs");
	CHECK(state.containers[0].files[0].has_verity && !state.containers[0].files[1].has_verity);
	CHECK(pv_state_find(&state, "a/root.squashfs.hash")->is_volume);
	CHECK(state.containers[0].storages[0].persistence == PV_PERSIST_PERMANENT);
	CHECK(state.containers[0].storages[2].persistence == PV_PERSIST_BOOT);
	pv_state_free(&state);
}

/* A volume that asks for dm-verity is never taken without. */
static void test_verity_that_cannot_be_is_refused(void)
{
#define DM(manifest)                                                                               \
	HEAD BSP FILES("a") manifest "\"a/run.json\":{\"config\":\"lxc.container.conf\",\"name\":" \
				     "\"a\",\"root-volume\":\"dm:root.squashfs\",\"type\":\"lxc\"}}"
#define MANIFEST(type, data, hashes, root, more)                                      \
	"\"a/_dm/root.squashfs.json\":{\"type\":\"" type "\",\"data_device\":\"" data \
	"\",\"hash_device\":\"" hashes "\",\"root_hash\":\"" root "\"" more "},"
	CHECK(refuses(DM(""), "has no a/_dm/root.squashfs.json"));
	CHECK(refuses(DM("\"a/_dm/root.squashfs.json\":\"" SHA "\","), "has no"));
	CHECK(refuses(DM(MANIFEST("dm-crypt", "root.squashfs", "lxc.container.conf", SHA, "")),
		"not a manifest"));
	CHECK(refuses(DM(MANIFEST("dm-verity", "other.squashfs", "lxc.container.conf", SHA, "")),
		"not a manifest"));
	CHECK(refuses(DM(MANIFEST("dm-verity", "root.squashfs", "../x", SHA, "")), "not a manifest"));
	CHECK(refuses(DM(MANIFEST("dm-verity", "root.squashfs", "lxc.container.conf", "12", "")),
		"not a manifest"));
	CHECK(refuses(
		DM(MANIFEST("dm-verity", "root.squashfs", "lxc.container.conf", SHA, ",\"salt\":\"x y\"")),
		"not a manifest"));
	CHECK(refuses(DM(MANIFEST("dm-verity", "root.squashfs", "root.hash", SHA, "")),
		"root.hash is not an object"));
}

static void test_bsp(void)
{
	static const char text[] =
		HEAD "\"bsp/f.squashfs\":\"" SHA "\",\"bsp/m.squashfs\":\"" SHA
		     "\",\"bsp/m61.squashfs\":\"" SHA "\","
		     "\"bsp/"
		     "run.json\":{\"firmware\":\"f.squashfs\",\"modules\":\"m.squashfs\","
		     "\"modules_6.1\":\"m61.squashfs\"}}";
	struct pv_state state;

	CHECK(load(&state, text) == 0);
	CHECK_TEXT(state.bsp_modules.name, "m61.squashfs");
	CHECK_TEXT(state.bsp_firmware.name, "f.squashfs");
	pv_state_free(&state);
}

static void test_what_cannot_be_is_refused(void)
{
	CHECK(refuses("{}", "not of the format"));
	CHECK(refuses("[]", "not of the format"));
	CHECK(refuses("{\"#spec\":\"other@1\"}", "not of the format"));
	CHECK(refuses(HEAD "\"a/../b\":\"" SHA "\"}", "not a path"));
	CHECK(refuses(HEAD "\"/a\":\"" SHA "\"}", "not a path"));
	CHECK(refuses(HEAD "\".pvr/json\":\"" SHA "\"}", "not a state's"));
	CHECK(refuses(HEAD "\"a\":\"AAAA\"}", "neither an object id"));
	CHECK(refuses(HEAD "\"a\":{}}", "neither an object id"));
	CHECK(refuses(HEAD "\"a\":\"" SHA "\"}", "no bsp/run.json"));
	CHECK(refuses(HEAD BSP "\"a/run.json\":{\"name\":\"b\"}}", "name is not"));
	CHECK(refuses(HEAD BSP "\"_x/run.json\":{\"name\":\"_x\"}}", "not legal"));
	CHECK(refuses(HEAD BSP RUN("a", ",\"group\":\"nowhere\"") "}", "no group"));
	CHECK(refuses(HEAD BSP RUN("a", ",\"status_goal\":\"DONE\"") "}", "status_goal"));
	CHECK(refuses(HEAD BSP RUN("a", ",\"restart_policy\":\"no\"") "}", "restart_policy"));
	CHECK(refuses(HEAD BSP RUN("a", ",\"volumes\":[\"../x\"]") "}", "no legal name"));
	CHECK(refuses(
		HEAD BSP RUN("a", ",\"volumes\":[\"x.squashfs\"]") "}", "not an object of the state"));
	CHECK(refuses(HEAD BSP RUN("a", ",\"storage\":{\"a,b\":{\"persistence\":\"boot\"}}") "}",
		"no legal name"));
	CHECK(refuses(
		HEAD BSP RUN("a", ",\"storage\":{\"d\":{\"disk\":\"x\",\"persistence\":\"boot\"}}") "}",
		"needs a disk"));
	CHECK(refuses(HEAD "\"bsp/run.json\":{\"modules\":\"../m.squashfs\"}}", "no legal name"));
	CHECK(refuses(HEAD BSP "\"device.json\":{\"groups\":[{\"name\":\"a\"},{\"name\":\"a\"}]}}",
		"two groups"));
	CHECK(refuses(
		HEAD BSP "\"device.json\":{\"groups\":[{\"name\":\"a\",\"timeout\":-1}]}}", "timeout"));
}

/* What would be on another disk, or in another network, is not put elsewhere in silence. */
static void test_what_the_device_does_not_have_is_refused(void)
{
	struct pv_state state;

	CHECK(refuses(
		HEAD BSP RUN("a", ",\"network\":{\"pool\":\"internal\"}") "}", "pools are not supported"));
	CHECK(refuses(
		HEAD BSP RUN("a", ",\"network\":{\"mode\":\"pool\"}") "}", "pools are not supported"));
	CHECK(refuses(HEAD BSP RUN("a", ",\"network\":[]") "}", "pools are not supported"));
	CHECK(refuses(HEAD BSP "\"device.json\":{\"groups\":[{\"name\":\"a\"}],"
			       "\"disks\":[{\"name\":\"d\"},{\"name\":\"e\",\"default\":\"yes\"}]}}",
		"device.json has a default disk"));
	CHECK(refuses(HEAD BSP "\"device.json\":{\"disks_v3\":[{\"default\":\"yes\"}]}}",
		"device.json has a default disk"));
	/* What nothing uses is passed over. */
	CHECK(load(&state,
		      HEAD BSP RUN("a",
			      ",\"network\":{\"mode\":\"host\"}") ",\"device.json\":{\"disks\":[{\"name\":"
								  "\"d\"}],"
								  "\"network\":{\"pools\":{\"p\":{}}}}}") ==
		0);
	pv_state_free(&state);
}

static void test_published_state_is_read(void)
{
	size_t length;
	cleanup_free char *text = vector("unsigned.json", &length);
	struct pv_state state;

	CHECK(pv_state_parse(&state, text, length, &err) == 0);
	CHECK(pv_state_find(&state, "bsp/run.json") && !pv_state_find(&state, "bsp/run"));
	pv_state_free(&state);
}

static void test_shapes_that_no_tree_has_are_refused(void)
{
	struct pv_state state;

	CHECK(refuses(HEAD BSP "\"a/b\":\"" SHA "\",\"a/b-c\":\"" SHA "\",\"a/b/c\":\"" SHA "\"}",
		"a/b is a file and a directory"));
	CHECK(refuses(HEAD BSP "\"a/x.json\":\"text\"}", "object or array"));
	CHECK(refuses(HEAD BSP "\"a/x.json\":null}", "object or array"));
	CHECK(load(&state, HEAD BSP "\"b\":\"" SHA "\",\"b-c/d\":\"" SHA "\",\"ab\":\"" SHA
				    "\",\"a/x.json\":[]}") == 0);
	CHECK(pv_state_find(&state, "b-c/d") && pv_state_find(&state, "ab") &&
		pv_state_find(&state, "a/x.json"));
	CHECK(!pv_state_find(&state, "b-c") && !pv_state_find(&state, "b/") && !pv_state_find(&state, ""));
	pv_state_free(&state);
}

int main(void)
{
	test_shapes_that_no_tree_has_are_refused();
	test_containers_get_what_their_group_says();
	test_built_in_groups_take_the_first_to_root();
	test_groups_of_old_states_are_read();
	test_volumes();
	test_verity_that_cannot_be_is_refused();
	test_bsp();
	test_what_cannot_be_is_refused();
	test_what_the_device_does_not_have_is_refused();
	test_published_state_is_read();
	return check_done();
}
