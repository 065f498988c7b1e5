/* SPDX-License-Identifier: MIT */
/*
 * A reader of what comes from outside, as fuzzing wants it: any bytes go in, and only the sanitizers or
 * fuzz_require() may object. replay.c runs the corpus and mutations of it in every test run; with clang,
 * libFuzzer does so by coverage (scripts/fuzz).
 */
#ifndef PV_FUZZ_READERS_H
#define PV_FUZZ_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const char *name;
	/* `bytes` has a NUL behind its end. */
	void (*read)(const char *bytes, size_t length);
};

/* NULL: there is none of that name. */
const struct reader *reader_find(const char *name);
/* One input, in memory of its very size: one byte too far is seen. */
void reader_run(const struct reader *reader, const uint8_t *bytes, size_t length);

/* What must hold of any input; aborts with `what` otherwise. */
void fuzz_require(bool holds, const char *what);
#define FUZZ_LONGEST (1024 * 1024)

/* Requests to the control socket. */
void read_http(const char *bytes, size_t length);
/* An export on a USB stick. */
void read_stick(const char *bytes, size_t length);
/* What is signed, and by whom. */
void read_state(const char *bytes, size_t length);
void read_header(const char *bytes, size_t length);
void read_certificate(const char *bytes, size_t length);
void read_signers(const char *bytes, size_t length);

#endif
