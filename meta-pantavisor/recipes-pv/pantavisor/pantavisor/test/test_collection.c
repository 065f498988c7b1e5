/* SPDX-License-Identifier: MIT */
/* What a collection through the control socket keeps, as it is configured. */
#include "beneath.h"
#include "caller.h"
#include "firmware.h"
#include "tree.h"

static struct pv_service service;

/* While locals/next runs. */
static void collect(bool keep_factory)
{
	cleanup_free char *answer = NULL;
	struct pv_ctrl_ask asked;
	int fd;

	service.keep_factory = keep_factory;
	caller_begin(&service);
	fd = call("POST /storage/gc HTTP/1.1\r\n\r\n");
	asked = take_ask();
	CHECK(asked.op == PV_CTRL_COLLECT);
	give(&asked, 200, "locals/next");
	answer = hear(fd);
	CHECK_HAS(answer, "200 OK");
	caller_end();
}

/* The boot environment does not name it. */
static void test_factory_revision_is_kept_unless_configured_otherwise(void)
{
	tree_file("boot/grubenv", "# GRUB Environment Block\npv_rev=locals/next\n");
	tree_file("trails/0/.pvr/json", "{}");
	tree_file("trails/locals/next/.pvr/json", "{}");
	tree_file("trails/locals/old/.pvr/json", "{}");
	tree_folder("objects");
	collect(true);
	CHECK(tree_has("trails/0") && !tree_has("trails/locals/old"));
	collect(false);
	CHECK(!tree_has("trails/0") && tree_has("trails/locals/next"));
}

int main(void)
{
	struct pv_err err;

	tree_begin();
	service.storage = (struct pv_storage){pv_beneath_root(tree_root, &err), firmware_door()};
	service.loader = PV_BOOTENV_GRUB;
	test_factory_revision_is_kept_unless_configured_otherwise();
	close(service.storage.root);
	tree_end();
	return check_done();
}
