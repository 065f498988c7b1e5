/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a connection: the kernel names the process that made it, and that process is
 * in the cgroup of its container. A name that the other end gives, or the path of the socket, proves
 * nothing.
 */
#ifndef PV_PEER_H
#define PV_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "names.h"

enum pv_peer_kind {
	PV_PEER_STRANGER, /* ended meanwhile, or in a cgroup that is not a container's */
	PV_PEER_HOST,	  /* in no container: what PID 1 itself started */
	PV_PEER_CONTAINER,
};

struct pv_peer {
	enum pv_peer_kind kind;
	bool is_root; /* of its container, or of the host */
	char container[PV_NAME_BYTES + 1];
};

/* The text of /proc/<pid>/cgroup. */
void pv_peer_read(const char *cgroup, struct pv_peer *peer);
/* Of a connected socket. */
void pv_peer_identify(int connection, struct pv_peer *peer);

#endif
