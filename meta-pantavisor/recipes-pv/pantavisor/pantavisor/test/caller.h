/* SPDX-License-Identifier: MIT */
/* The process that serves the control socket, with its real sockets; the test is PID 1 and the callers. */
#ifndef PV_TEST_CALLER_H
#define PV_TEST_CALLER_H

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "connection.h"
#include "ctrlserver.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int wire;
static pid_t server;

static inline void caller_begin(const struct pv_service *service)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), wires[2];
	char folder[] = "/tmp/pv-test-XXXXXX";

	CHECK(mkdtemp(folder) != NULL);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/pv-ctrl", folder);
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(listener, 64) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wires) == 0);
	server = fork();
	if (!server) {
		close(wires[0]);
		pv_ctrlserver_run(listener, wires[1], service);
	}
	close(listener);
	close(wires[1]);
	wire = wires[0];
}

static inline int call(const char *text)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	/* A server with too many callers may have answered and closed before it was asked. */
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) || errno == EPIPE);
	return fd;
}

/* All that comes until the end. */
static inline char *hear(int fd)
{
	char *text = pv_alloc(1, 65536);
	size_t used = 0;
	ssize_t got;

	while ((got = recv(fd, text + used, 65535 - used, 0)) > 0)
		used += (size_t)got;
	close(fd);
	return text;
}

static inline struct pv_ctrl_ask take_ask(void)
{
	struct pv_ctrl_ask ask = {0};

	CHECK(recv(wire, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask));
	return ask;
}

static inline void give(const struct pv_ctrl_ask *ask, int status, const char *body)
{
	static struct pv_ctrl_reply reply;

	reply.id = ask->id;
	reply.status = status;
	reply.retry_s = status == 503 ? 600 : 0;
	reply.length = (uint32_t)strlen(body);
	strcpy(reply.body, body);
	CHECK(send(wire, &reply, offsetof(struct pv_ctrl_reply, body) + reply.length, 0) > 0);
}

static inline void caller_end(void)
{
	int status;

	close(wire);
	CHECK(waitpid(server, &status, 0) == server && status == 0);
	CHECK(unlink(address.sun_path) == 0);
	*strrchr(address.sun_path, '/') = '\0';
	CHECK(rmdir(address.sun_path) == 0);
}

#endif
