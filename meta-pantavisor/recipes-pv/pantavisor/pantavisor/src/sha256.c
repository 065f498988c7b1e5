/* SPDX-License-Identifier: MIT */
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"

#define CHUNK_BYTES (128 * 1024)
#define DIGEST_BYTES 32

static int digest(mbedtls_md_context_t *md, const void *bytes, size_t length, struct pv_err *err)
{
	return mbedtls_md_update(md, bytes, length) ? pv_err_set(err, "sha256 failed") : 0;
}

static int feed(mbedtls_md_context_t *md, int fd, int to, struct pv_err *err)
{
	cleanup_free unsigned char *chunk = pv_alloc(CHUNK_BYTES, 1);

	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pv_err_errno(err, "cannot read");
		if (got == 0)
			return 0;
		if (digest(md, chunk, (size_t)got, err) < 0)
			return -1;
		if (to >= 0 && pv_write_all(to, chunk, (size_t)got) < 0)
			return pv_err_errno(err, "cannot be copied");
	}
}

static int begin(mbedtls_md_context_t *md, struct pv_err *err)
{
	mbedtls_md_init(md);
	if (mbedtls_md_setup(md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) || mbedtls_md_starts(md))
		return pv_err_set(err, "sha256 is not available");
	return 0;
}

/* Of what was fed, unless that failed. */
static int finish(mbedtls_md_context_t *md, int done, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	unsigned char bytes[DIGEST_BYTES];

	if (!done && mbedtls_md_finish(md, bytes))
		done = pv_err_set(err, "sha256 failed");
	mbedtls_md_free(md);
	for (int i = 0; !done && i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return done;
}

int pv_sha256_copy(int fd, int to, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	mbedtls_md_context_t md;
	int done = begin(&md, err);

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return finish(&md, done < 0 ? done : feed(&md, fd, to, err), hex, err);
}

int pv_sha256_fd(int fd, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	return pv_sha256_copy(fd, -1, hex, err);
}

int pv_sha256_bytes(const void *bytes, size_t length, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	mbedtls_md_context_t md;
	int done = begin(&md, err);

	return finish(&md, done < 0 ? done : digest(&md, bytes, length, err), hex, err);
}

struct pv_sha256 {
	mbedtls_md_context_t md;
};

struct pv_sha256 *pv_sha256_begin(struct pv_err *err)
{
	struct pv_sha256 *sum = pv_alloc(1, sizeof(*sum));

	if (begin(&sum->md, err) == 0)
		return sum;
	pv_sha256_free(sum);
	return NULL;
}

int pv_sha256_add(struct pv_sha256 *sum, const void *bytes, size_t length, struct pv_err *err)
{
	return digest(&sum->md, bytes, length, err);
}

int pv_sha256_add_fd(struct pv_sha256 *sum, int fd, struct pv_err *err)
{
	return feed(&sum->md, fd, -1, err);
}

int pv_sha256_end(struct pv_sha256 *sum, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	int done = finish(&sum->md, 0, hex, err);

	free(sum);
	return done;
}

void pv_sha256_free(struct pv_sha256 *sum)
{
	if (!sum)
		return;
	mbedtls_md_free(&sum->md);
	free(sum);
}

bool pv_sha256_is(const char *text)
{
	return text && strlen(text) == PV_SHA256_HEX && strspn(text, "0123456789abcdef") == PV_SHA256_HEX;
}
