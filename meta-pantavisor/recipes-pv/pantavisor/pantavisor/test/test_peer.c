/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* What the kernel ends with where it is asked for the caller's process; 0: nothing is put in its way. */
static int refusal;

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	if (refusal && name == SO_PEERPIDFD) {
		errno = refusal;
		return -1;
	}
	return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
}

/* Its name in glibc where long has 32 bits and time 64. */
int __wrap___getsockopt64(int fd, int level, int name, void *value, socklen_t *length)
	__attribute__((alias("__wrap_getsockopt")));

static const struct {
	const char *cgroup;
	enum pv_peer_kind kind;
	const char *container;
} rows[] = {
	{"0::/\n", PV_PEER_HOST, ""},
	{"0::/lxc/web\n", PV_PEER_CONTAINER, "web"},
	{"0::/lxc/web", PV_PEER_CONTAINER, "web"},
	{"0::/lxc/web/init.scope/a\n", PV_PEER_CONTAINER, "web"},
	/* Other hierarchies say nothing. */
	{"12:pids:/lxc/other\n0::/lxc/web\n", PV_PEER_CONTAINER, "web"},
	{"12:pids:/lxc/other\n1:name=0::/lxc/other\n", PV_PEER_STRANGER, ""},
	/* Monitors, what was removed, what is not a container's name, what a container may make elsewhere.
	 */
	{"0::/lxc.monitor.web\n", PV_PEER_STRANGER, ""},
	{"0::/lxc/web (deleted)\n", PV_PEER_STRANGER, ""},
	{"0::/lxc\n", PV_PEER_STRANGER, ""},
	{"0::/lxc/\n", PV_PEER_STRANGER, ""},
	{"0::/lxc/bsp\n", PV_PEER_STRANGER, ""},
	{"0::/lxc/..\n", PV_PEER_STRANGER, ""},
	{"0::/other/lxc/web\n", PV_PEER_STRANGER, ""},
	{"0::/lxc.payload.web\n", PV_PEER_STRANGER, ""},
	{"0::lxc/web\n", PV_PEER_STRANGER, ""},
	{"", PV_PEER_STRANGER, ""},
	{"\n\n", PV_PEER_STRANGER, ""},
};

static void test_cgroup_says_who_it_is(void)
{
	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		struct pv_peer peer;

		pv_peer_read(rows[i].cgroup, &peer);
		CHECK(peer.kind == rows[i].kind);
		CHECK_TEXT(peer.container, rows[i].container);
	}
}

static void test_long_name_is_no_container(void)
{
	cleanup_free char *cgroup = pv_fmt("0::/lxc/%0*d\n", PV_NAME_BYTES + 1, 0);
	struct pv_peer peer;

	pv_peer_read(cgroup, &peer);
	CHECK(peer.kind == PV_PEER_STRANGER);
}

/* A child connects and ends: its number is free again, or another process's. */
static void test_process_that_ended_is_a_stranger(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(sa_family_t);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), connection;
	struct pv_peer peer;
	pid_t child;

	/* A name of the kernel's choice. */
	CHECK(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0);
	length = sizeof(address);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	child = fork();
	if (!child) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		_exit(connect(fd, (struct sockaddr *)&address, length) == 0 ? 0 : 1);
	}
	connection = accept(listener, NULL, NULL);
	CHECK(connection >= 0 && waitpid(child, NULL, 0) == child);
	pv_peer_identify(connection, &peer);
	CHECK(peer.kind == PV_PEER_STRANGER && !peer.is_root);
	close(connection);
	close(listener);
}

/* Root is who this process is, until it is taken for a stranger. */
static bool is_known(int number)
{
	struct pv_peer peer;
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	refusal = number;
	pv_peer_identify(pair[0], &peer);
	refusal = 0;
	close(pair[0]);
	close(pair[1]);
	return peer.is_root;
}

static void test_process_that_the_kernel_does_not_find_is_a_stranger(void)
{
	if (geteuid()) {
		fputs("not root: left out\n", stderr);
		return;
	}
	CHECK(!is_known(EINVAL) && !is_known(ESRCH) && !is_known(EMFILE));
	/* A kernel that does not know the question. */
	CHECK(is_known(ENOPROTOOPT));
}

static void test_what_is_no_connection_has_no_peer(void)
{
	struct pv_peer peer;

	pv_peer_identify(-1, &peer);
	CHECK(peer.kind == PV_PEER_STRANGER && !peer.is_root);
}

int main(void)
{
	test_cgroup_says_who_it_is();
	test_long_name_is_no_container();
	test_process_that_ended_is_a_stranger();
	test_process_that_the_kernel_does_not_find_is_a_stranger();
	test_what_is_no_connection_has_no_peer();
	return check_done();
}
