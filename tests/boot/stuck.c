/* SPDX-License-Identifier: MIT */
/*
 * Loaded into PID 1 by /etc/ld.so.preload of an initramfs: in a boot that tries a revision its loop does
 * not come back from a turn, once a container has a cgroup.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define CONTAINER "/sys/fs/cgroup/lxc/demo-system"
/* pv_try is named by the boot that falls back, too. */
#define TRY " pv_rev=locals/"

static int is_tried(void)
{
	char words[4096];
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, words, sizeof(words) - 1);

	close(fd);
	words[length > 0 ? length : 0] = '\0';
	return strstr(words, TRY) != NULL;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
	static int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ppoll");
	while (getpid() == 1 && access(CONTAINER, F_OK) == 0 && is_tried())
		pause();
	return real(fds, count, limit, mask);
}
