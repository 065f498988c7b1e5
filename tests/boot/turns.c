/* SPDX-License-Identifier: MIT */
/*
 * Loaded into PID 1 by /etc/ld.so.preload of an initramfs: how long each turn of its loop takes, from one
 * wait to the next, how much of that it worked, waited for the processor and was asleep, as for a disk,
 * and its anonymous memory then. Every two seconds a line of the console has the largest of each, and they
 * begin anew.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_US (2000 * 1000)

struct spent {
	long long at, worked, waited;
};

static struct {
	long long begun, turns, longest, worked, asleep, peak;
} window;
static struct spent woken; /* at 0: before the first wait */

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* Nothing is allocated: that would be measured too. */
static const char *read_small(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* In KiB. */
static long long anonymous(void)
{
	const char *line = strstr(read_small("/proc/self/status"), "RssAnon:");

	return line ? atoll(line + strlen("RssAnon:")) : 0;
}

static struct spent spent(void)
{
	char *end;
	long long worked = strtoll(read_small("/proc/self/schedstat"), &end, 10) / 1000;

	return (struct spent){now_us(), worked, strtoll(end, NULL, 10) / 1000};
}

static void raise_to(long long *largest, long long value)
{
	if (value > *largest)
		*largest = value;
}

static void end_turn(void)
{
	struct spent end = spent();
	long long took = end.at - woken.at, worked = end.worked - woken.worked;

	window.turns++;
	raise_to(&window.longest, took);
	raise_to(&window.worked, worked);
	raise_to(&window.asleep, took - worked - (end.waited - woken.waited));
	raise_to(&window.peak, anonymous());
}

static void report(long long now)
{
	int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	dprintf(console, "\nturns: %lld, longest %lld us, worked %lld us, asleep %lld us, memory %lld kB\n",
		window.turns, window.longest, window.worked, window.asleep, window.peak);
	close(console);
	memset(&window, 0, sizeof(window));
	window.begun = now;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
	static int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
	int found;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ppoll");
	if (getpid() != 1)
		return real(fds, count, limit, mask);
	if (woken.at)
		end_turn();
	if (now_us() - window.begun > WINDOW_US)
		report(now_us());
	found = real(fds, count, limit, mask);
	woken = spent();
	return found;
}
