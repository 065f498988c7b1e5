/* SPDX-License-Identifier: MIT */
/* The front for libFuzzer; PV_READER names the reader. */
#include <stdio.h>
#include <stdlib.h>

#include "readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const struct reader *reader;

	if (!reader)
		reader = reader_find(getenv("PV_READER"));
	if (!reader) {
		fprintf(stderr, "PV_READER names no reader\n");
		exit(2);
	}
	reader_run(reader, bytes, length);
	return 0;
}
