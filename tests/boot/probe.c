/* SPDX-License-Identifier: MIT */
/*
 * In the place of PID 1 in an initramfs: starts the real one, and next to it a child that measures it all
 * the time: its anonymous memory, and how long it takes to answer at the control socket, which its loop
 * does. Every two seconds a line of the console has the numbers, and they begin anew.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REAL "/usr/bin/pantavisor.real"
#define SOCKET "/run/pantavisor/pv-ctrl"
#define PAUSE_US (20 * 1000)
#define WINDOW_US (2000 * 1000)

static const char ask[] = "GET /groups HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

struct window {
	long long begun, worst, sum;
	long now, peak, count;
};

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* In KiB; 0 where it cannot be seen. */
static long anonymous(void)
{
	FILE *status = fopen("/proc/1/status", "r");
	char line[256];
	long found = 0;

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "RssAnon:", 8))
			found = atol(line + 8);
	if (status)
		fclose(status);
	return found;
}

/* Microseconds from the connection to the end of the answer; negative where there is none. */
static long long answer_time(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long long begun = now_us(), got = 0;
	char bytes[4096];
	ssize_t some = -1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		write(fd, ask, sizeof(ask) - 1) == sizeof(ask) - 1)
		while ((some = read(fd, bytes, sizeof(bytes))) > 0)
			got += some;
	close(fd);
	return some == 0 && got ? now_us() - begun : -1;
}

static void report(const struct window *window)
{
	int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	dprintf(console, "\nprobe: anon %ld peak %ld kB, answers %ld mean %lld worst %lld us\n",
		window->now, window->peak, window->count, window->count ? window->sum / window->count : 0,
		window->worst);
	close(console);
}

static _Noreturn void measure(void)
{
	struct window window = {.begun = now_us()};

	for (;; usleep(PAUSE_US)) {
		long long took = answer_time();

		window.now = anonymous();
		if (window.now > window.peak)
			window.peak = window.now;
		if (took >= 0) {
			window.count++;
			window.sum += took;
		}
		if (took > window.worst)
			window.worst = took;
		if (now_us() - window.begun < WINDOW_US)
			continue;
		report(&window);
		window = (struct window){.begun = now_us()};
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	if (getpid() == 1 && fork() == 0)
		measure();
	execv(REAL, argv);
	return 1;
}
