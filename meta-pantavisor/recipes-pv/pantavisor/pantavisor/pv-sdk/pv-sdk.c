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
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "doors.h"
#include "places.h"

#define PORT 12368
#define SOCKET "/pantavisor/pv-ctrl"
#define BACKLOG 32
#define HEAD_S 10
#define REQUEST_S 3600
#define SHORTAGE_MS 100
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

/* The answer to callers whose request is not read at all. */
#define TOO_MANY                                                                 \
	"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n" \
	"Content-Length: 34\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"      \
	"{\"Error\":\"too many connections\"}\r\n"

/* How far a caller's process is, by its own account. Of one that was answered it only sees the caller
 * off. */
enum stage { READS_HEAD, WORKS, ANSWERED };

/* Those at work, in the order in which they came. */
struct callers {
	struct caller {
		pid_t pid;
		struct in6_addr address;
		atomic_int *stage;
	} list[PLACES];
	size_t count;
};

static _Noreturn void serve(int fd, const char *socket, atomic_int *stage)
{
	const struct rlimit memory = {CALL_MEMORY, CALL_MEMORY};
	static struct call call;

	if (CALL_MEMORY)
		setrlimit(RLIMIT_AS, &memory);
	alarm(HEAD_S);
	if (call_begin(&call, fd, socket)) {
		*stage = WORKS;
		alarm(REQUEST_S);
		call_answer(&call);
	}
	alarm(HEAD_S);
	*stage = ANSWERED;
	pv_exchange_end(&call.exchange);
	exit(0);
}

/* Who was answered keeps no place. */
static bool has_place(const struct callers *callers, const struct in6_addr *address)
{
	struct in6_addr waiting[PLACES];
	size_t count = 0;

	for (size_t i = 0; i < callers->count; i++)
		if (*callers->list[i].stage != ANSWERED)
			waiting[count++] = callers->list[i].address;
	return place_is_free(waiting, count, address);
}

static void forget(struct callers *callers, pid_t pid)
{
	for (size_t i = 0; i < callers->count; i++) {
		struct caller gone = callers->list[i];

		if (gone.pid != pid)
			continue;
		memmove(&callers->list[i], &callers->list[i + 1], (--callers->count - i) * sizeof(gone));
		/* Its place in the shared memory is the next one's. */
		callers->list[callers->count].stage = gone.stage;
		return;
	}
}

static void reap(struct callers *callers)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		forget(callers, pid);
}

static pid_t first_at(const struct callers *callers, enum stage stage)
{
	for (size_t i = 0; i < callers->count; i++)
		if (*callers->list[i].stage == (int)stage)
			return callers->list[i].pid;
	return 0;
}

/* With all places taken, who was answered makes room; else who is slowest with its head: that is
 * one packet. What is under way goes on. */
static bool make_room(struct callers *callers)
{
	pid_t pid;

	if (callers->count < PLACES)
		return true;
	pid = first_at(callers, ANSWERED);
	if (!pid)
		pid = first_at(callers, READS_HEAD);
	if (!pid)
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	forget(callers, pid);
	return true;
}

static bool take_in(
	struct callers *callers, int listener, int fd, const struct in6_addr *address, const char *socket)
{
	struct caller *next = &callers->list[callers->count];
	pid_t child;

	*next->stage = READS_HEAD;
	child = fork();
	if (!child) {
		close(listener);
		serve(fd, socket, next->stage);
	}
	if (child < 0)
		return false;
	next->pid = child;
	next->address = *address;
	callers->count++;
	return true;
}

/* What a caller, the network or a shortage does to an accept passes; what the listener itself does stays.
 */
static bool passes(int error)
{
	return error != EBADF && error != EINVAL && error != ENOTSOCK && error != EOPNOTSUPP &&
	       error != EFAULT;
}

static int serve_all(int listener, const char *socket)
{
	struct callers callers = {.count = 0};
	atomic_int *stages = mmap(
		NULL, PLACES * sizeof(*stages), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (stages == MAP_FAILED)
		return fail("cannot share memory");
	for (size_t i = 0; i < PLACES; i++)
		callers.list[i].stage = &stages[i];
	for (;;) {
		struct sockaddr_storage from = {0};
		socklen_t length = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC);
		struct in6_addr address = place_address(&from);

		if (fd < 0 && !passes(errno))
			return fail("cannot accept");
		/* Who waits is still there: it would be tried again at once, for as long as the shortage
		 * lasts. */
		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			poll(NULL, 0, SHORTAGE_MS);
		reap(&callers);
		if (fd < 0)
			continue;
		if (!has_place(&callers, &address) || !make_room(&callers) ||
			!take_in(&callers, listener, fd, &address, socket))
			(void)!send(fd, TOO_MANY, strlen(TOO_MANY), MSG_NOSIGNAL | MSG_DONTWAIT);
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
