/* SPDX-License-Identifier: MIT */
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define CHUNK_BYTES (128 * 1024)
#define DIGEST_BYTES 32

static int feed(mbedtls_md_context_t *md, int fd, struct pv_err *err)
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
		if (mbedtls_md_update(md, chunk, (size_t)got))
			return pv_err_set(err, "sha256 failed");
	}
}

int pv_sha256_fd(int fd, char hex[PV_SHA256_HEX + 1], struct pv_err *err)
{
	unsigned char digest[DIGEST_BYTES];
	mbedtls_md_context_t md;
	int done = -1;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	mbedtls_md_init(&md);
	if (mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) || mbedtls_md_starts(&md))
		pv_err_set(err, "sha256 is not available");
	else if (feed(&md, fd, err) == 0)
		done = mbedtls_md_finish(&md, digest) ? pv_err_set(err, "sha256 failed") : 0;
	mbedtls_md_free(&md);
	for (int i = 0; !done && i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return done;
}

bool pv_sha256_is(const char *text)
{
	return text && strlen(text) == PV_SHA256_HEX && strspn(text, "0123456789abcdef") == PV_SHA256_HEX;
}
