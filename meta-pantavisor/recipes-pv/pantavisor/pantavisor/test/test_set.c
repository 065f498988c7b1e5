/* SPDX-License-Identifier: MIT */
#include "set.h"

#include "check.h"
#include "coverage.h"

static struct pv_err err;

/* -1: refused. */
static long release_of(const char *text)
{
	struct pv_json header;
	long release;

	CHECK(pv_json_parse(&header, text, strlen(text), &err) == 0);
	if (pv_set_release(&header, &release, &err) < 0)
		release = -1;
	pv_json_free(&header);
	return release;
}

static void test_releases(void)
{
	CHECK(release_of("{\"pvs\":{}}") == 0 && release_of("{}") == 0);
	CHECK(release_of("{\"pvs\":{\"release\":1}}") == 1);
	CHECK(release_of("{\"pvs\":{\"release\":2147483647}}") == 2147483647);
	CHECK(release_of("{\"pvs\":{\"release\":2147483648}}") == -1);
	CHECK(release_of("{\"pvs\":{\"release\":0}}") == -1 &&
		release_of("{\"pvs\":{\"release\":-1}}") == -1);
	CHECK(release_of("{\"pvs\":{\"release\":1.0}}") == -1 &&
		release_of("{\"pvs\":{\"release\":1e0}}") == -1);
	CHECK(release_of("{\"a\":\"release\",\"pvs\":{\"release\":1}}") == -1);
	CHECK(release_of("{\"pvs\":{\"\\u0072elease\":1}}") == -1);
	CHECK(release_of("{\"pvs\":{\"release\":\"1\"}}") == -1 &&
		release_of("{\"pvs\":{\"release\":null}}") == -1);
}

static bool binds(const char *text, const enum pv_sight *sights)
{
	struct pv_json state;
	int done;

	CHECK(pv_json_parse(&state, text, strlen(text), &err) == 0);
	/* The first member is the set's own. */
	done = pv_set_check(&state, pv_json_first(&state, pv_json_root(&state)), sights, &err);
	pv_json_free(&state);
	return done == 0;
}

static void test_a_set_signs_all_others(void)
{
	static const char state[] =
		"{\"_sigs/_set.json\":{},\"_sigs/a.json\":{},\"x.json\":{\"#spec\":\"pvs@2\"},\"y\":1}";

	CHECK(binds(state, (enum pv_sight[]){PV_EXCLUDED, PV_SIGNED, PV_SIGNED, PV_UNSEEN}));
	CHECK(!binds(state, (enum pv_sight[]){PV_EXCLUDED, PV_EXCLUDED, PV_SIGNED, PV_SIGNED}));
	CHECK_HAS(err.text, "leaves out _sigs/a.json");
	CHECK(!binds(state, (enum pv_sight[]){PV_EXCLUDED, PV_SIGNED, PV_UNSEEN, PV_SIGNED}));
	CHECK_HAS(err.text, "leaves out x.json");
}

static void check_free(const char *path, bool wanted)
{
	static const char text[] = "{\"bsp/run.json\":{},\"web/run.json\":{}}";
	struct pv_json state;

	CHECK(pv_json_parse(&state, text, strlen(text), &err) == 0);
	CHECK(pv_coverage_is_free(&state, path) == wanted);
	pv_json_free(&state);
}

static void test_only_what_no_device_reads_is_free(void)
{
	check_free("web/src.json", true);
	check_free("web/build.json", true);
	check_free("bsp/src.json", true);
	check_free("bsp/pantavisor.fit", true);
	check_free("src.json", true);
	check_free("web/pantavisor.fit", false);
	check_free("web/run.json", false);
	check_free("db/src.json", false);
	check_free("web/a/src.json", false);
	check_free("_config/web/src.json", false);
	check_free("device.json", false);
	check_free("pantavisor.fit", false);
}

int main(void)
{
	test_releases();
	test_a_set_signs_all_others();
	test_only_what_no_device_reads_is_free();
	return check_done();
}
