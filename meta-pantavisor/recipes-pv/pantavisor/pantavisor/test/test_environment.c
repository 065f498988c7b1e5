/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include "check.h"

int main(void)
{
	char home[] = "HOME=/", term[] = "TERM=linux", word[] = "pv_rev=0";
	char path[] = "LD_LIBRARY_PATH=/storage";
	char other[] = "HOME=/storage", longer[] = "TERM=linux-16color", empty[] = "";

	CHECK(pv_environment_is_clean((char *[]){NULL}));
	CHECK(pv_environment_is_clean((char *[]){home, term, NULL}));
	CHECK(!pv_environment_is_clean((char *[]){home, term, word, NULL}));
	CHECK(!pv_environment_is_clean((char *[]){path, home, NULL}));
	CHECK(!pv_environment_is_clean((char *[]){other, NULL}));
	CHECK(!pv_environment_is_clean((char *[]){longer, NULL}));
	CHECK(!pv_environment_is_clean((char *[]){empty, NULL}));
	return check_done();
}
