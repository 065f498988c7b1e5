/* SPDX-License-Identifier: MIT */
/* A container's own logs through the control socket. */
#include <fcntl.h>
#include <stdio.h>

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
	check_logs("/logs", "Range: bytes=8-\r\n", "204 No Content", " No Content\r\nETag: \"");
	/* It began anew meanwhile. */
	check_logs("/logs", "Range: bytes=9-\r\n", "416 Range Not Satisfiable", "bytes */8\r\n");
	check_logs("/logs/previous", "", "404 Not Found", "there is no such log");
	tree_file("logs/0/web/console.log.1", "zero\n");
	check_logs("/logs/previous", "", "200 OK", "\r\n\r\nzero\n");
	check_logs("/logs/console.log", "", "404 Not Found", "there is no such log");
	tree_unlink("logs/0/web/console.log");
	CHECK(symlinkat("../../../boot/grubenv", service.storage.root, "logs/0/web/console.log") == 0);
	check_logs("/logs", "", "404 Not Found", "there is no such log");
	tree_unlink("logs/0/web/console.log");
}

static char *tag_of_log(void)
{
	int fd = call("GET /logs HTTP/1.1\r\n\r\n");
	struct pv_ctrl_ask asked = take_ask();
	cleanup_free char *answer = NULL;
	const char *tag;

	give(&asked, 200, "0/web");
	answer = hear(fd);
	tag = strstr(answer, "ETag: ");
	CHECK(tag != NULL);
	return tag ? pv_dup(tag, strcspn(tag, "\r")) : pv_dup("", 0);
}

/* As LXC does: the one before the last is removed, whose number in the file system may come again. */
static void begin_another_file(void)
{
	int folder = pv_beneath_try(service.storage.root, "logs/0/web", O_PATH);

	CHECK(renameat(folder, "console.log", folder, "console.log.1") == 0);
	close(folder);
	/* Longer than a tick of the clock of file systems. */
	usleep(50 * 1000);
	tree_file("logs/0/web/console.log", "more\n");
}

static void test_each_file_has_a_tag_of_its_own(void)
{
	char *tags[4];

	tree_file("logs/0/web/console.log", "one\n");
	for (size_t i = 0; i < PV_COUNT(tags); i++) {
		tags[i] = tag_of_log();
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(tags[j], tags[i]) != 0);
		begin_another_file();
	}
	for (size_t i = 0; i < PV_COUNT(tags); i++)
		free(tags[i]);
}

int main(void)
{
	struct pv_err err;

	tree_begin();
	service.storage = pv_storage_at(pv_beneath_root(tree_root, &err));
	caller_begin(&service);
	test_logs_go_on_where_they_were();
	test_each_file_has_a_tag_of_its_own();
	caller_end();
	close(service.storage.root);
	tree_end();
	return check_done();
}
