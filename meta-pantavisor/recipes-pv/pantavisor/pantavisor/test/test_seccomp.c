/* SPDX-License-Identifier: MIT */
#include "seccomp.h"

#include "check.h"
#include "text.h"

int main(void)
{
	CHECK(pv_seccomp_is_filtered("Name:\ta\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"));
	CHECK(!pv_seccomp_is_filtered("Name:\ta\nSeccomp:\t0\n"));
	CHECK(!pv_seccomp_is_filtered("Name:\tSeccomp:\t2\n"));
	CHECK(!pv_seccomp_is_filtered(""));
	CHECK(pv_starts_with(pv_seccomp_policy, "2\ndenylist\n"));
	return check_done();
}
