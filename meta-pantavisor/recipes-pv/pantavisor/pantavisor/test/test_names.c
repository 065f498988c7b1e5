/* SPDX-License-Identifier: MIT */
#include "names.h"

#include "alloc.h"
#include "check.h"

int main(void)
{
	static const char *const bad_paths[] = {
		"", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\nb", "a\x7f"};

	CHECK(pv_name_is_container("demo-nginx") && pv_name_is_container("a.b_c"));
	CHECK(!pv_name_is_container("bsp") && !pv_name_is_container("_config") &&
		!pv_name_is_container(""));
	CHECK(!pv_name_is_container("-a") && !pv_name_is_container(".a") && !pv_name_is_container("a/b"));
	CHECK(!pv_name_is_container("a:b") && !pv_name_is_container(NULL));
	CHECK(pv_name_is_volume("docker--var-lib-x") && pv_name_is_volume("root.squashfs"));
	CHECK(!pv_name_is_volume("..") && !pv_name_is_volume("a,b") && !pv_name_is_volume("a:b"));
	CHECK(!pv_name_is_volume("a b") && !pv_name_is_volume("a/b") && !pv_name_is_volume("a\\b"));
	CHECK(pv_path_is("a") && pv_path_is("_config/c/etc/x y") && pv_path_is("a/...") &&
		pv_path_is("#spec"));
	for (size_t i = 0; i < PV_COUNT(bad_paths); i++)
		CHECK(!pv_path_is(bad_paths[i]));
	CHECK(pv_revision_is("0") && pv_revision_is("12") && pv_revision_is("locals/x-1"));
	CHECK(!pv_revision_is("") && !pv_revision_is("..") && !pv_revision_is("a") &&
		!pv_revision_is("0/.."));
	CHECK(!pv_revision_is("locals/") && !pv_revision_is("locals/a/b") &&
		!pv_revision_is("locals/../0"));
	return check_done();
}
