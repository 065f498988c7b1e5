/* SPDX-License-Identifier: MIT */
/*
 * relay PATH [USER]: as that user, copies between a Unix socket and its own input and output, both
 * ways until both ended. In a container behind "nc -e" it lets a test speak to
 * the control socket as that container.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool copy(int from, int to)
{
	char bytes[16384];
	ssize_t got = read(from, bytes, sizeof(bytes)), done = 0;

	while (done < got) {
		ssize_t put = write(to, bytes + done, (size_t)(got - done));

		if (put <= 0)
			return false;
		done += put;
	}
	return got > 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd ends[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	/* What is refused at once, unread, has its answer nevertheless. */
	signal(SIGPIPE, SIG_IGN);
	if (argc > 2 && setuid((uid_t)strtoul(argv[2], NULL, 10)) < 0)
		return 1;
	strncpy(address.sun_path, argc > 1 ? argv[1] : "", sizeof(address.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 1;
	while (ends[1].fd >= 0 && poll(ends, 2, -1) > 0) {
		if (ends[0].revents && !copy(0, fd)) {
			shutdown(fd, SHUT_WR);
			ends[0].fd = -1;
		}
		if (ends[1].revents && !copy(fd, 1))
			ends[1].fd = -1;
	}
	return 0;
}
