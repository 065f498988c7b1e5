/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "check.h"

/* Half a configuration of a container might be one without its limits. */
static void test_text_that_did_not_fit_is_an_error(void)
{
	struct pv_err err = {0};
	char room[8];
	FILE *stream = fmemopen(room, sizeof(room), "w");

	fputs("fits", stream);
	CHECK(pv_close_text(stream, &err) == 0);
	stream = fmemopen(room, sizeof(room), "w");
	fputs("does not fit in", stream);
	CHECK(pv_close_text(stream, &err) < 0);
	CHECK_HAS(err.text, "memory");
	stream = fmemopen(room, sizeof(room), "w");
	setvbuf(stream, NULL, _IONBF, 0);
	fputs("does not fit, seen before the end", stream);
	CHECK(pv_close_text(stream, &err) < 0);
}

int main(void)
{
	test_text_that_did_not_fit_is_an_error();
	return check_done();
}
