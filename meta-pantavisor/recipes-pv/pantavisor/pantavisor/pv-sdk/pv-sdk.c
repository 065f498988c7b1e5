/* SPDX-License-Identifier: MIT */
/*
 * pv-sdk: serves http://DEVICE:12368/cgi-bin/pvr, what laptops ask of a device by the protocol of published
 * tools, and passes it on to the control socket. Callers are anyone in the network: each has a process of
 * its own, with a bound on memory and time, and there are few of them at once. Its container has the role
 * mgmt.
 *
 *   pv-sdk [-p PORT] [-s SOCKET]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "doors.h"

#define PORT 12368
#define SOCKET "/pantavisor/pv-ctrl"
#define AT_ONCE 16
#define AT_ONCE_EACH 8 /* of one host, so that none keeps the others out */
#define BACKLOG 32
#define HEAD_S 10
#define REQUEST_S 3600
/* A state as text, parsed, and once more; the sanitizers of tests take all there is. */
#ifndef CALL_MEMORY
#define CALL_MEMORY (128 * 1024 * 1024)
#endif

/* The answer to callers whose request is not read at all. */
#define TOO_MANY                                                                 \
	"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n" \
	"Content-Length: 34\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"      \
	"{\"Error\":\"too many connections\"}\r\n"

static int fail(const char *what)
{
	fprintf(stderr, "pv-sdk: %s: %s\n", what, strerror(errno));
	return 1;
}

/* IPv4 and IPv6, or IPv4 alone where the kernel has no other. */
static int listen_at(uint16_t port)
{
	const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), done;
	bool is_six = fd >= 0;

	if (!is_six)
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (is_six)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
	done = is_six ? bind(fd, (const struct sockaddr *)&six, sizeof(six))
		      : bind(fd, (const struct sockaddr *)&four, sizeof(four));
	return done < 0 || listen(fd, BACKLOG) < 0 ? -1 : fd;
}

static _Noreturn void serve(int fd, const char *socket)
{
	const struct rlimit memory = {CALL_MEMORY, CALL_MEMORY};
	static struct call call;

	if (CALL_MEMORY)
		setrlimit(RLIMIT_AS, &memory);
	alarm(HEAD_S);
	if (call_begin(&call, fd, socket)) {
		alarm(REQUEST_S);
		call_answer(&call);
	}
	alarm(HEAD_S);
	pv_exchange_end(&call.exchange);
	exit(0);
}

struct caller {
	pid_t pid;
	struct in6_addr host;
};

/* Of IPv6 the network alone: a host has as many addresses in its own as it likes. */
static struct in6_addr host_of(const struct sockaddr_storage *from)
{
	struct in6_addr host = {{{0}}};

	if (from->ss_family == AF_INET)
		memcpy(&host, &((const struct sockaddr_in *)from)->sin_addr, sizeof(struct in_addr));
	if (from->ss_family != AF_INET6)
		return host;
	host = ((const struct sockaddr_in6 *)from)->sin6_addr;
	if (!IN6_IS_ADDR_V4MAPPED(&host))
		memset(host.s6_addr + sizeof(host) / 2, 0, sizeof(host) / 2);
	return host;
}

static size_t count_of(const struct caller *callers, size_t count, const struct in6_addr *host)
{
	size_t same = 0;

	for (size_t i = 0; i < count; i++)
		same += IN6_ARE_ADDR_EQUAL(&callers[i].host, host);
	return same;
}

/* With all at work, the next one waits until one of them ends. */
static void forget_ended(struct caller *callers, size_t *count)
{
	pid_t pid;

	while (*count && (pid = waitpid(-1, NULL, *count < AT_ONCE ? WNOHANG : 0)) > 0)
		for (size_t i = 0; i < *count; i++)
			if (callers[i].pid == pid)
				callers[i--] = callers[--*count];
}

static pid_t start(int listener, int fd, const char *socket)
{
	pid_t child = fork();

	if (child)
		return child;
	close(listener);
	serve(fd, socket);
}

static int serve_all(int listener, const char *socket)
{
	struct caller callers[AT_ONCE];
	size_t count = 0;

	for (;;) {
		struct sockaddr_storage from = {0};
		socklen_t length = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC);
		struct caller caller = {.host = host_of(&from)};

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED && errno != EMFILE && errno != ENOMEM)
			return fail("cannot accept");
		if (fd < 0)
			continue;
		forget_ended(callers, &count);
		if (count_of(callers, count, &caller.host) == AT_ONCE_EACH)
			(void)!send(fd, TOO_MANY, strlen(TOO_MANY), MSG_NOSIGNAL | MSG_DONTWAIT);
		else if ((caller.pid = start(listener, fd, socket)) > 0)
			callers[count++] = caller;
		close(fd);
	}
}

static int usage(void)
{
	fputs("usage: pv-sdk [-p PORT] [-s SOCKET]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *socket = SOCKET;
	long port = PORT;
	char *end;
	int option, listener;

	while ((option = getopt(argc, argv, "p:s:")) != -1) {
		if (option == '?')
			return usage();
		if (option == 's')
			socket = optarg;
		else
			port = strtol(optarg, &end, 10);
		if (option == 'p' && (*end || port < 1 || port > UINT16_MAX))
			return usage();
	}
	if (optind < argc)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	listener = listen_at((uint16_t)port);
	if (listener < 0)
		return fail("cannot listen");
	printf("pv-sdk: port %ld\n", port);
	fflush(stdout);
	return serve_all(listener, socket);
}
