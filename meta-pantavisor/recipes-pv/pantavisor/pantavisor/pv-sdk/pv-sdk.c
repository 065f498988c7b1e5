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
#define BACKLOG 32
#define HEAD_S 10
#define REQUEST_S 3600
/* A state as text, parsed, and once more; the sanitizers of tests take all there is. */
#ifndef CALL_MEMORY
#define CALL_MEMORY (128 * 1024 * 1024)
#endif

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

static void forget_ended(size_t *count)
{
	/* With all at work, the next one waits until one of them ends. */
	while (*count && waitpid(-1, NULL, *count < AT_ONCE ? WNOHANG : 0) > 0)
		(*count)--;
}

static int serve_all(int listener, const char *socket)
{
	size_t count = 0;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t child;

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED && errno != EMFILE && errno != ENOMEM)
			return fail("cannot accept");
		if (fd < 0)
			continue;
		child = fork();
		if (!child) {
			close(listener);
			serve(fd, socket);
		}
		close(fd);
		count += child > 0;
		forget_ended(&count);
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
