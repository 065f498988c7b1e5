/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "log.h"
#include "sha256.h"

/* sha256 of "abc", FIPS 180-2. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const char text[] =
	"{\"#spec\":\"pantavisor-service-system@1\",\"a/file\":\"" ABC "\",\"a/run.json\":{\"x\":[1,2]},"
	"\"a/src.json\":{},\"b/same\":\"" ABC "\"}";
static struct pv_err err;

static void put(const char *root, const char *path, const char *content)
{
	cleanup_free char *whole = pv_fmt("%s/%s", root, path), *parent = pv_dup(whole, strlen(whole));

	*strrchr(parent, '/') = '\0';
	CHECK(pv_mkdirs(parent, 0755, &err) == 0);
	CHECK(pv_write_file(whole, content, strlen(content), &err) == 0);
}

static void join(const char *root, const char *path)
{
	cleanup_free char *object = pv_fmt("%s/objects/" ABC, root),
			  *whole = pv_fmt("%s/trails/0/%s", root, path);

	CHECK(link(object, whole) == 0);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int check_with(const char *root, bool cure, size_t *objects)
{
	cleanup_free char *trail = pv_fmt("%s/trails/0", root);
	struct pv_checkout checkout = {root, trail, cure, true};
	struct pv_state state;
	int done;

	CHECK(pv_state_parse(&state, text, strlen(text), &err) == 0);
	done = pv_objects_check(&checkout, &state, objects, &err);
	pv_state_free(&state);
	return done;
}

int main(void)
{
	char root[] = "/tmp/pv-test-objects-XXXXXX", path[256];
	size_t objects = 0;

	CHECK(mkdtemp(root) != NULL);
	pv_log_set_level(PV_LOG_ERROR);
	put(root, "objects/" ABC, "abc");
	put(root, "trails/0/a/run.json", "{\"x\":[1,2]}");
	put(root, "trails/0/a/src.json", "anything");
	put(root, "trails/0/b/other", "");
	join(root, "a/file");
	/* b/same is missing: made again where that is allowed, counted as the one object that it is. */
	CHECK(check_with(root, false, &objects) == 0 && objects == 1);
	snprintf(path, sizeof(path), "%s/trails/0/b/same", root);
	CHECK(!pv_exists(path));
	CHECK(check_with(root, true, &objects) == 0 && pv_exists(path));
	/* A copy is not a link. */
	put(root, "trails/0/b/same", "abc");
	CHECK(check_with(root, true, &objects) < 0);
	CHECK_HAS(err.text, "object ba7816bf8f01 (b/same): is not what");
	unlink(path);
	/* Inline text must be the state's, to the byte. */
	put(root, "trails/0/a/run.json", "{\"x\":[1,2]}\n");
	CHECK(check_with(root, true, &objects) < 0);
	CHECK_HAS(err.text, "a/run.json differs from the state");
	put(root, "trails/0/a/run.json", "{\"x\":[1,2]}");
	CHECK(check_with(root, true, &objects) == 0);
	/* One changed byte, in place: the links stay as they are. */
	snprintf(path, sizeof(path), "%s/objects/" ABC, root);
	{
		cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

		CHECK(pwrite(fd, "x", 1, 1) == 1);
	}
	CHECK(check_with(root, true, &objects) < 0);
	CHECK_HAS(err.text, "is corrupt");
	unlink(path);
	CHECK(check_with(root, true, &objects) < 0);
	CHECK_HAS(err.text, "object ba7816bf8f01 (a/file): is missing");
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
