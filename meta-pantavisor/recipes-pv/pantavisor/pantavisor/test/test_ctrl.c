/* SPDX-License-Identifier: MIT */
/* PID 1's side of the control socket, with the process that it starts; the test is PID 1 and its callers.
 */
#include "ctrl.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "order.h"
#include "usable.h"
#include "world.h"

#define OBJECT "/objects/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static struct pv pv;
static struct pv_run run;
static struct pv_ctrl ctrl;
static int orders;

struct pv_verify pv_usable_options(const struct pv *of, const char *revision)
{
	(void)of;
	return (struct pv_verify){.revision = revision};
}

void pv_order_obey(struct pv *of, const struct pv_ctrl_ask *ask, struct pv_ctrl_reply *reply, int64_t now)
{
	(void)of;
	(void)now;
	orders++;
	reply->status = 200;
	reply->retry_s = 0;
	reply->length = (uint32_t)snprintf(reply->body, sizeof(reply->body), "[%d]", ask->op);
}

/* A turn of PID 1's loop. */
static void turn(void)
{
	int status;
	pid_t pid;

	pv_loop_wait(&pv.loop, pv_now_ms() + 10);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		CHECK(pv_ctrl_reaped(&ctrl, pid, status));
}

static int call(const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PV_CTRL_SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
	return fd;
}

/* The answer to a request, while the loop turns. */
static char *ask(const char *text)
{
	char *answer = pv_alloc(1, 4096);
	int fd = call(text);
	size_t used = 0;
	ssize_t got = 1;

	while (got) {
		turn();
		got = recv(fd, answer + used, 4095 - used, MSG_DONTWAIT);
		used += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	return answer;
}

static void check(const char *text, const char *part)
{
	cleanup_free char *answer = ask(text);

	CHECK_HAS(answer, part);
}

static void test_callers_are_answered_by_pid_1(void)
{
	check("GET /groups HTTP/1.1\r\n\r\n", "\r\n\r\n[2]");
	check("GET /buildinfo HTTP/1.1\r\n\r\n", "{\"pantavisor\":");
	CHECK(orders == 2);
	check("GARBAGE\r\n\r\n", "400 Bad Request");
	CHECK(orders == 2);
}

/* By a process of few rights, below that of the server. */
static void test_storage_is_written(void)
{
	check("PUT " OBJECT " HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "200 OK");
	check("GET " OBJECT " HTTP/1.1\r\n\r\n", "\r\n\r\nhello");
	CHECK(tree_has("storage" OBJECT));
}

static char *status_of(pid_t pid, const char *field)
{
	cleanup_free char *path = pv_fmt("/proc/%d/status", (int)pid), *text = NULL;
	struct pv_err err;
	size_t length;
	char *at;

	CHECK(pv_read_file(path, 16384, &text, &length, &err) == 0);
	at = strstr(text, field);
	return at ? pv_dup(at, strcspn(at, "\n")) : pv_dup("", 0);
}

/* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER. */
static void test_server_has_few_rights(void)
{
	cleanup_free char *effective = status_of(ctrl.server, "CapEff:");
	cleanup_free char *gains = status_of(ctrl.server, "NoNewPrivs:"),
			  *name = status_of(ctrl.server, "Name:");

	CHECK_TEXT(effective, "CapEff:\t000000000000000e");
	CHECK_TEXT(gains, "NoNewPrivs:\t1");
	CHECK_TEXT(name, "Name:\tpv-ctrl");
}

static int count_descriptors(pid_t pid)
{
	cleanup_free char *path = pv_fmt("/proc/%d/fd", (int)pid);
	cleanup_dir DIR *list = opendir(path);
	int count = -2; /* the folder's own names */

	while (list && readdir(list))
		count++;
	return count;
}

/* Nothing of PID 1's is open in it: the standard ones, the socket, the wire, the storage, its loop. The
 * last caller's may be, for a moment. */
static void test_server_has_no_descriptor_of_pid_1(void)
{
	for (int i = 0; i < 500 && count_descriptors(ctrl.server) > 7; i++)
		turn();
	CHECK(count_descriptors(ctrl.server) == 7);
}

/* Mounts of the socket stay good: it is the same one. */
static void test_server_that_dies_is_started_again(void)
{
	struct stat before, after;
	pid_t first = ctrl.server;
	int fd;

	CHECK(stat(PV_CTRL_SOCKET, &before) == 0);
	kill(first, SIGKILL);
	while (ctrl.server == first)
		turn();
	CHECK(!ctrl.server && ctrl.wire.fd == -1);
	/* One who calls meanwhile waits. */
	fd = call("GET /groups HTTP/1.1\r\n\r\n");
	while (!ctrl.server)
		turn();
	check("GET /groups HTTP/1.1\r\n\r\n", "[2]");
	close(fd);
	CHECK(stat(PV_CTRL_SOCKET, &after) == 0 && before.st_ino == after.st_ino);
	CHECK((after.st_mode & 0777) == 0666);
}

static void test_server_of_a_device_that_ends_is_not_started_again(void)
{
	pid_t last = ctrl.server;

	pv.end = PV_END_REBOOT;
	kill(last, SIGTERM);
	while (ctrl.server == last)
		turn();
	turn();
	turn();
	CHECK(!ctrl.server);
}

int main(void)
{
	world_begin();
	world_enter();
	tree_folder("run/pantavisor");
	tree_folder("storage");
	pv_log_set_level(-1);
	pv_loop_init(&pv.loop, NULL, 0);
	run.revision = (char *)(uintptr_t) "7";
	pv.run = &run;
	pv.storage = open("/storage", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pv.has_storage = true;
	pv_ctrl_open(&ctrl, &pv);
	CHECK(ctrl.server > 0);
	test_callers_are_answered_by_pid_1();
	test_storage_is_written();
	test_server_has_few_rights();
	test_server_has_no_descriptor_of_pid_1();
	test_server_that_dies_is_started_again();
	test_server_of_a_device_that_ends_is_not_started_again();
	close(pv.storage);
	close(ctrl.listener);
	pv_loop_free(&pv.loop);
	return check_done();
}
