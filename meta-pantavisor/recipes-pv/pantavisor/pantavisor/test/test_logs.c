/* SPDX-License-Identifier: MIT */
/* A container's own logs through the control socket. */
#include "beneath.h"
#include "caller.h"
#include "tree.h"

static struct pv_service service;

static void check_logs(const char *path, const char *fields, const char *status, const char *part)
{
	cleanup_free char *text = pv_fmt("GET %s HTTP/1.1\r\n%s\r\n", path, fields), *answer = NULL;
	int fd = call(text);
	struct pv_ctrl_ask asked = take_ask();

	CHECK(asked.op == PV_CTRL_LOGS);
	give(&asked, 200, "0/web");
	answer = hear(fd);
	CHECK_HAS(answer, status);
	CHECK_HAS(answer, part);
}

static void test_logs_go_on_where_they_were(void)
{
	check_logs("/logs", "", "404 Not Found", "there is no such log");
	tree_file("logs/0/web/console.log", "one\ntwo\n");
	check_logs("/logs", "", "200 OK", "\r\n\r\none\ntwo\n");
	check_logs("/logs", "", "200 OK", "\r\nETag: \"");
	check_logs("/logs", "Range: bytes=4-\r\n", "206 Partial Content", "\r\n\r\ntwo\n");
	check_logs("/logs", "Range: bytes=4-5\r\n", "206 Partial Content", "bytes 4-5/8\r\n");
	check_logs("/logs", "Range: bytes=8-\r\n", "204 No Content", "Content-Length: 0\r\n");
	/* It began anew meanwhile. */
	check_logs("/logs", "Range: bytes=9-\r\n", "416 Range Not Satisfiable", "bytes */8\r\n");
	check_logs("/logs/previous", "", "404 Not Found", "there is no such log");
	tree_file("logs/0/web/console.log.1", "zero\n");
	check_logs("/logs/previous", "", "200 OK", "\r\n\r\nzero\n");
	check_logs("/logs/console.log", "", "404 Not Found", "there is no such log");
	tree_unlink("logs/0/web/console.log");
	CHECK(symlinkat("../../../boot/grubenv", service.storage.root, "logs/0/web/console.log") == 0);
	check_logs("/logs", "", "404 Not Found", "there is no such log");
}

int main(void)
{
	struct pv_err err;

	tree_begin();
	service.storage = pv_storage_at(pv_beneath_root(tree_root, &err));
	caller_begin(&service);
	test_logs_go_on_where_they_were();
	caller_end();
	close(service.storage.root);
	tree_end();
	return check_done();
}
