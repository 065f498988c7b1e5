/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "tree.h"

static struct pv_err err;

int main(void)
{
	cleanup_free char *shown = NULL, *text = NULL, *long_text = NULL;
	struct stat info;
	size_t length;
	int storage;

	tree_begin();
	shown = pv_fmt("%s/shown.json", tree_root);
	storage = pv_beneath_root(tree_root, &err);
	/* Most devices have none. */
	CHECK(pv_unit_show(storage, shown, &err) == 0 && !pv_exists(shown));
	tree_file("factory/unit.json", "{\"serial\":\"A-1\"}");
	CHECK(pv_unit_show(storage, shown, &err) == 0);
	CHECK(pv_read_file(shown, PV_UNIT_BYTES, &text, &length, &err) == 0);
	CHECK_TEXT(text, "{\"serial\":\"A-1\"}");
	CHECK(stat(shown, &info) == 0 && (info.st_mode & 0777) == 0644);
	/* What others put there is read within bounds, and no link of it is followed. */
	CHECK(unlink(shown) == 0);
	long_text = pv_alloc(PV_UNIT_BYTES + 2, 1);
	memset(long_text, 'x', PV_UNIT_BYTES + 1);
	tree_file("factory/unit.json", long_text);
	CHECK(pv_unit_show(storage, shown, &err) < 0 && !pv_exists(shown));
	text = (free(text), pv_fmt("%s/factory/unit.json", tree_root));
	CHECK(unlink(text) == 0 && symlink("/etc/passwd", text) == 0);
	CHECK(pv_unit_show(storage, shown, &err) < 0 && !pv_exists(shown));
	close(storage);
	tree_end();
	return check_done();
}
