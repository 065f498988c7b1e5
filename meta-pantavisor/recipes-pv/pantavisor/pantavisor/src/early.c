/* SPDX-License-Identifier: MIT */
#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "console.h"
#include "container.h"
#include "file.h"
#include "log.h"
#include "pidsmax.h"
#include "text.h"

#define CONSOLE_LEVEL 8 /* SYSLOG_ACTION_CONSOLE_LEVEL */
#define KERNEL_ERRORS 4 /* errors and worse */
#define OPEN_FILES 524288
#define OWN_FILES 32768

static const struct {
	const char *source, *target, *type;
	unsigned long flags;
	const char *options;
} mount_table[] = {
	{"proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755"},
	{"devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666"},
	{"tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"},
	{"tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"cgroup2", PV_CGROUP_DIR, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate"},
};

static const char *const folders[] = {
	"/run/lxc", "/run/pantavisor", "/volumes", "/lib/firmware", "/etc", "/var"};

static const struct {
	const char *target, *path;
} links[] = {{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
	{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"}, {"../run", "/var/run"}};

static void mount_all(void)
{
	struct pv_err err;

	for (size_t i = 0; i < PV_COUNT(mount_table); i++) {
		if (pv_mkdirs(mount_table[i].target, 0755, &err) < 0)
			pv_error("early", "%s", err.text);
		/* EBUSY: the kernel, or what started us, was first. */
		else if (mount(mount_table[i].source, mount_table[i].target, mount_table[i].type,
				 mount_table[i].flags, mount_table[i].options) < 0 &&
			 errno != EBUSY)
			pv_error("early", "cannot mount %s: %s", mount_table[i].target, strerror(errno));
	}
	for (size_t i = 0; i < PV_COUNT(folders); i++)
		if (pv_mkdirs(folders[i], 0755, &err) < 0)
			pv_error("early", "%s", err.text);
	for (size_t i = 0; i < PV_COUNT(links); i++)
		(void)!symlink(links[i].target, links[i].path);
}

static void open_console(void)
{
	/* Without O_NONBLOCK a serial line may let us wait for its other end. */
	int fd = open(PV_CONSOLE_DEVICE, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	pv_log_open_console(PV_CONSOLE_DEVICE);
	if (fd > 2)
		close(fd);
}

/* Each controller the kernel has, for the groups below the root. */
static void enable_controllers(void)
{
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	char *rest, *word;

	if (pv_read_file(PV_CGROUP_DIR "/cgroup.controllers", 4096, &text, &length, &err) < 0) {
		pv_warn("early", "%s", err.text);
		return;
	}
	for (rest = text; (word = strsep(&rest, " \n"));) {
		cleanup_free char *knob = pv_fmt("+%s", word);

		if (*word && pv_write_knob(PV_CGROUP_DIR "/cgroup.subtree_control", knob, &err) < 0)
			pv_warn("early", "%s", err.text);
	}
}

/* A container that forks for ever leaves enough for what leads away from it: jobs, and an update. */
static void limit_processes(void)
{
	struct pv_err err;

	if (pv_pidsmax_set(PV_CGROUP_DIR, "/proc/sys/kernel", &err) < 0)
		pv_warn("early", "%s: %s", err.text, err.hint);
}

static void raise_loopback(void)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		pv_warn("early", "no loopback interface: %s", strerror(errno));
		return;
	}
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		pv_warn("early", "the loopback interface stays down: %s", strerror(errno));
}

static void set_limits(void)
{
	/* Each volume's object is held open; containers begin with PV_CONTAINER_FILES. */
	const struct rlimit files = {OWN_FILES, OPEN_FILES}, core = {0, RLIM_INFINITY};

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
}

void pv_early_setup(void)
{
	cleanup_close int resolv = -1;

	umask(022);
	signal(SIGPIPE, SIG_IGN);
	mount_all();
	open_console();
	/* Our lines share the console with the kernel's: leave it the errors. */
	klogctl(CONSOLE_LEVEL, NULL, KERNEL_ERRORS);
	/* Ctrl-Alt-Del becomes SIGINT. */
	reboot(RB_DISABLE_CAD);
	enable_controllers();
	limit_processes();
	raise_loopback();
	set_limits();
	/* Containers bind this file over theirs. */
	resolv = open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
}
