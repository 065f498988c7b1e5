/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#define CGROUP_BYTES (16 * 1024)
/* The only hierarchy of the second version, and the folder of all containers in it. */
#define UNIFIED "0::/"
#define CONTAINERS "lxc/"

/* The line of the second version; what others may be there does not count. */
static char *unified_path(const char *cgroup)
{
	for (const char *line = cgroup; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (pv_starts_with(line, UNIFIED))
			return pv_dup(line + strlen(UNIFIED), strcspn(line, "\n") - strlen(UNIFIED));
	return NULL;
}

void pv_peer_read(const char *cgroup, struct pv_peer *peer)
{
	cleanup_free char *path = unified_path(cgroup), *name = NULL;

	peer->kind = PV_PEER_STRANGER;
	peer->container[0] = '\0';
	if (!path)
		return;
	if (!*path) {
		peer->kind = PV_PEER_HOST;
		return;
	}
	if (!pv_starts_with(path, CONTAINERS))
		return;
	name = pv_dup(path + strlen(CONTAINERS), strcspn(path + strlen(CONTAINERS), "/"));
	if (!pv_name_is_container(name))
		return;
	strcpy(peer->container, name);
	peer->kind = PV_PEER_CONTAINER;
}

/* The number of a process that ended may be another's by now: of one that is gone kernels before 6.16 give
 * no descriptor at all. Those before 6.5 do not report it; there the number would have to come round
 * between a connection and its acceptance. */
static bool has_ended(int connection)
{
	cleanup_close int pidfd = -1;
	socklen_t length = sizeof(pidfd);
	struct pollfd process;

	if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) < 0) {
		pidfd = -1;
		return errno != ENOPROTOOPT;
	}
	process = (struct pollfd){.fd = pidfd, .events = POLLIN};
	return poll(&process, 1, 0) != 0;
}

void pv_peer_identify(int connection, struct pv_peer *peer)
{
	cleanup_free char *path = NULL, *cgroup = NULL;
	struct ucred who;
	socklen_t length = sizeof(who);
	struct pv_err err;
	size_t read;

	*peer = (struct pv_peer){.kind = PV_PEER_STRANGER};
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0 || who.pid <= 0)
		return;
	path = pv_fmt("/proc/%d/cgroup", (int)who.pid);
	if (pv_read_file(path, CGROUP_BYTES, &cgroup, &read, &err) < 0)
		return;
	pv_peer_read(cgroup, peer);
	peer->is_root = who.uid == 0;
	if (has_ended(connection))
		*peer = (struct pv_peer){.kind = PV_PEER_STRANGER};
}
