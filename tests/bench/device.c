/* SPDX-License-Identifier: MIT */
/*
 * init of a guest that measures squashfs images, /images/0 and so on: the root of the demonstration's web
 * server.
 *
 * A line for each step has the instructions, the bytes read from the image, and the kilobytes of memory in
 * use since before the mount. QEMU's clock (-icount shift=0) counts instructions as nanoseconds, but it
 * leaps to the next timer while the processor waits. So a child runs where nothing else wants to, and its
 * time is not counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/loop.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/root"
#define LOG "/log"
#define ASK "GET / HTTP/1.0\r\n\r\n"
#define MAX_ASKED 10000
#define SECTOR 512

struct sample {
	int64_t work;
	long long read;
};

static clockid_t idle;
static int loop; /* the number of the image's device */
static long long content;

static void end(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	tcdrain(1);
	reboot(RB_POWER_OFF);
	pause();
}

static void need(bool is_done, const char *what)
{
	if (!is_done)
		end("failed: %s: %s", what, strerror(errno));
}

static int64_t ns(clockid_t clock)
{
	struct timespec now;

	need(clock_gettime(clock, &now) == 0, "clock");
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The number after `name` in a file of the kernel. */
static long long number(const char *path, const char *name)
{
	char text[8192] = "";
	int fd = open(path, O_RDONLY);
	char *at;

	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, path);
	close(fd);
	at = strstr(text, name);
	need(at != NULL, name);
	return strtoll(at + strlen(name), NULL, 10);
}

static long long bytes_read(void)
{
	char path[64];
	FILE *stat;
	long long sectors = 0;

	snprintf(path, sizeof(path), "/sys/block/loop%d/stat", loop);
	stat = fopen(path, "r");
	need(stat && fscanf(stat, "%*d %*d %lld", &sectors) == 1, path);
	fclose(stat);
	return sectors * SECTOR;
}

/* Kilobytes of cached files, and of what the kernel has for itself. */
static long used_kb(void)
{
	const char *path = "/proc/meminfo";

	return (long)(number(path, "\nCached:") + number(path, "\nSlab:") + number(path, "\nVmallocUsed:"));
}

static struct sample now(void)
{
	return (struct sample){ns(CLOCK_MONOTONIC) - ns(idle), bytes_read()};
}

static struct sample since(struct sample before)
{
	struct sample after = now();

	return (struct sample){after.work - before.work, after.read - before.read};
}

static void report(const char *step, struct sample took, long kb)
{
	printf("bench: %s %lld %lld %ld\n", step, (long long)took.work, took.read, kb);
}

static void begin_idle(void)
{
	pid_t pid = fork();

	need(pid >= 0, "fork");
	if (pid == 0) {
		struct sched_param none = {0};

		need(sched_setscheduler(0, SCHED_IDLE, &none) == 0, "SCHED_IDLE");
		for (;;)
			;
	}
	need(clock_getcpuclockid(pid, &idle) == 0, "the clock of the idle child");
}

static void load_modules(void)
{
	char path[32];
	int fd;

	for (int n = 0; snprintf(path, sizeof(path), "/modules/%d.ko", n), (fd = open(path, O_RDONLY)) >= 0;
		n++) {
		need(syscall(SYS_finit_module, fd, "", 0) == 0, path);
		close(fd);
	}
}

/* The open device of an image. */
static int attach(int image, char *device, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR), fd;

	loop = ioctl(control, LOOP_CTL_GET_FREE);
	need(control >= 0 && loop >= 0, "loop-control");
	close(control);
	snprintf(device, size, "/dev/loop%d", loop);
	fd = open(device, O_RDONLY);
	need(fd >= 0 && ioctl(fd, LOOP_SET_FD, image) == 0, device);
	return fd;
}

static void mount_beneath(void)
{
	need(mount("/dev", ROOT "/dev", NULL, MS_BIND, NULL) == 0, "dev of the root");
	need(mount("proc", ROOT "/proc", "proc", 0, NULL) == 0, "proc of the root");
	need(mount("tmpfs", ROOT "/run", "tmpfs", 0, NULL) == 0, "run of the root");
}

static void unmount(void)
{
	need(umount(ROOT "/dev") == 0 && umount(ROOT "/proc") == 0 && umount(ROOT "/run") == 0, "unmount");
	need(umount(ROOT) == 0, "unmount the root");
}

static void network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	need(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0, "lo");
	close(fd);
}

/* Whether the server has given out its page. */
static bool is_answering(void)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(80)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[512] = "";
	bool is_there;

	place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	is_there = connect(fd, (struct sockaddr *)&place, sizeof(place)) == 0 &&
		   write(fd, ASK, strlen(ASK)) > 0 && read(fd, text, sizeof(text) - 1) > 0;
	close(fd);
	if (is_there && strncmp(text, "HTTP/1.1 200", 12))
		end("failed: the server answers %s", text);
	return is_there;
}

/* From nothing to the first page; then the server ends, and with it its memory. */
static struct sample serve(void)
{
	char *argv[] = {"/usr/sbin/nginx", "-g", "daemon off;", NULL}, *env[] = {"LC_ALL=C.UTF-8", NULL};
	struct sample before = now(), took;
	pid_t pid = fork();

	if (pid == 0) {
		int log = open(LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(log, 2);
		if (chroot(ROOT) == 0 && chdir("/") == 0)
			execve(argv[0], argv, env);
		_exit(1);
	}
	for (int n = 0; !is_answering(); n++) {
		if (n == MAX_ASKED || waitpid(pid, NULL, WNOHANG) == pid)
			end("failed: the server does not serve");
		usleep(1000);
	}
	took = since(before);
	need(kill(pid, SIGQUIT) == 0 && waitpid(pid, NULL, 0) == pid, "end the server");
	return took;
}

static int read_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	static char bytes[1 << 16];
	int fd;
	ssize_t got;

	(void)place;
	if (type != FTW_F || !S_ISREG(status->st_mode))
		return 0;
	fd = open(path, O_RDONLY);
	need(fd >= 0, path);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		content += got;
	need(got == 0, path);
	close(fd);
	return 0;
}

static void measure(int image)
{
	char device[32];
	int fd = attach(image, device, sizeof(device));
	struct sample before, took;
	long used = used_kb();

	before = now();
	need(mount(device, ROOT, "squashfs", MS_RDONLY, NULL) == 0, "mount");
	took = since(before);
	report("mount", took, used_kb() - used);
	mount_beneath();
	took = serve();
	report("start", took, used_kb() - used);
	took = serve();
	report("again", took, used_kb() - used);
	unmount();

	need(mount(device, ROOT, "squashfs", MS_RDONLY, NULL) == 0, "mount again");
	content = 0;
	before = now();
	need(nftw(ROOT, read_one, 16, FTW_PHYS | FTW_MOUNT) == 0, "read all");
	took = since(before);
	report("all", took, used_kb() - used);
	printf("bench: content %lld\n", content);
	need(umount(ROOT) == 0 && ioctl(fd, LOOP_CLR_FD) == 0, "take the image away");
	close(fd);
}

int main(void)
{
	char path[32];
	int image;

	need(mount("proc", "/proc", "proc", 0, NULL) == 0, "proc");
	need(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "sysfs");
	need(mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) == 0, "devtmpfs");
	load_modules();
	network();
	begin_idle();
	for (int n = 0; snprintf(path, sizeof(path), "/images/%d", n), (image = open(path, O_RDONLY)) >= 0;
		n++) {
		measure(image);
		close(image);
	}
	end("bench: end");
}
