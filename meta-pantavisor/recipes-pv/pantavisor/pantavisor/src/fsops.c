/* SPDX-License-Identifier: MIT */
#include "fsops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MODE 0644
/* Linux 5.14; the header of the kernel does not show it to programs. */
#define EXT4_CHECKPOINT _IOW('f', 43, uint32_t)

/* Below a folder that others may have written, a path could lead through a link. */
static int refuse_path(const char *name)
{
	if (*name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, ".."))
		return 0;
	errno = EINVAL;
	return -1;
}

static int create(int folder, const char *name, int flags)
{
	/* O_NONBLOCK: not even a FIFO that has the name is waited for. */
	return refuse_path(name) < 0
		       ? -1
		       : openat(folder, name,
				 flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				 FILE_MODE);
}

static int unnamed(int folder)
{
	return openat(folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, FILE_MODE);
}

static int link_file(int file, int folder, const char *name)
{
	char source[32];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", file);
	return refuse_path(name) < 0 ? -1 : linkat(AT_FDCWD, source, folder, name, AT_SYMLINK_FOLLOW);
}

static int move(int folder, const char *from, int into, const char *to)
{
	return refuse_path(from) < 0 || refuse_path(to) < 0 ? -1 : renameat(folder, from, into, to);
}

static int rename_within(int folder, const char *from, const char *to)
{
	return move(folder, from, folder, to);
}

static int exchange(int folder, const char *one, const char *other)
{
	if (refuse_path(one) < 0 || refuse_path(other) < 0)
		return -1;
	/* By the system call: musl has no function for it. */
	return (int)syscall(SYS_renameat2, folder, one, folder, other, RENAME_EXCHANGE);
}

/* Where there is a descriptor. */
static void let_change(int fd)
{
	int flags, fixed = FS_IMMUTABLE_FL | FS_APPEND_FL;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & fixed))
		return;
	flags &= ~fixed;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* What a container with the right to it made immutable goes with the rest, or its revision would stay for
 * ever. */
static int unlink_file(int folder, const char *name)
{
	int fd;

	if (refuse_path(name) < 0)
		return -1;
	if (unlinkat(folder, name, 0) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	let_change(folder);
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	let_change(fd);
	if (fd >= 0)
		close(fd);
	return unlinkat(folder, name, 0);
}

static int make_folder(int folder, const char *name, mode_t mode)
{
	return refuse_path(name) < 0 ? -1 : mkdirat(folder, name, mode);
}

static int remove_folder(int folder, const char *name)
{
	return refuse_path(name) < 0 ? -1 : unlinkat(folder, name, AT_REMOVEDIR);
}

static int make_symlink(const char *target, int folder, const char *name)
{
	return refuse_path(name) < 0 ? -1 : symlinkat(target, folder, name);
}

static int make_node(int folder, const char *name, mode_t mode, dev_t device)
{
	return refuse_path(name) < 0 ? -1 : mknodat(folder, name, mode, device);
}

static int sync_data(int fd, enum pv_barrier why)
{
	(void)why;
	return fdatasync(fd);
}

static int sync_file(int fd, enum pv_barrier why)
{
	(void)why;
	return fsync(fd);
}

static int sync_all(int fd, enum pv_barrier why)
{
	(void)why;
	return syncfs(fd);
}

/* Thaws once its caller is done, or gone. No signal but SIGKILL ends it, and what ends a job's group is not
 * for it. */
static _Noreturn void guard(const int ends[2], int root)
{
	sigset_t all;
	char none;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	close(ends[1]);
	while (read(ends[0], &none, 1) < 0 && errno == EINTR)
		;
	_exit(ioctl(root, FITHAW, 0) < 0);
}

/* As long as `hold` is open it waits. */
static pid_t start_guard(int root, int *hold)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (!pid)
		guard(ends, root);
	if (pid > 0)
		setpgid(pid, pid);
	close(ends[0]);
	if (pid < 0)
		close(ends[1]);
	*hold = ends[1];
	return pid;
}

/* Kernels before 5.14: freezing brings every block home. Frozen for ever, since this process was killed,
 * the storage would stop all that writes to it, PID 1 with it: so another process thaws. */
static int freeze_and_thaw(int root)
{
	int hold, status = -1, frozen, reason;
	pid_t pid = start_guard(root, &hold);

	if (pid < 0)
		return -1;
	frozen = ioctl(root, FIFREEZE, 0);
	reason = frozen < 0 ? errno : EIO;
	if (frozen < 0)
		kill(pid, SIGKILL);
	close(hold);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* What was to thaw has been killed itself. */
	if (frozen == 0 && status != 0 && ioctl(root, FITHAW, 0) == 0)
		status = 0;
	/* EBUSY: another one froze it, and will thaw it: it was brought home then. */
	if ((frozen == 0 && status == 0) || reason == EBUSY)
		return 0;
	errno = reason == ENOTTY || reason == EOPNOTSUPP || reason == EPERM ? ENOTSUP : reason;
	return -1;
}

void pv_fsops_thaw(int root)
{
	if (!fork())
		_exit(ioctl(root, FITHAW, 0) < 0);
}

static int checkpoint(int root, enum pv_barrier why)
{
	uint32_t flags = 0;

	(void)why;
	/* What is not allocated yet is in no journal. */
	if (syncfs(root) < 0)
		return -1;
	/* Without a journal everything is at its place by now. */
	if (ioctl(root, EXT4_CHECKPOINT, &flags) == 0 || errno == ENODEV)
		return 0;
	return errno == ENOTTY || errno == EOPNOTSUPP || errno == EPERM ? freeze_and_thaw(root) : -1;
}

const struct pv_fsops pv_fsops_real = {
	.create = create,
	.unnamed = unnamed,
	.write = write,
	.write_at = pwrite,
	.link = link_file,
	.rename = rename_within,
	.move = move,
	.exchange = exchange,
	.unlink = unlink_file,
	.mkdir = make_folder,
	.rmdir = remove_folder,
	.symlink = make_symlink,
	.mknod = make_node,
	.sync_data = sync_data,
	.sync = sync_file,
	.sync_all = sync_all,
	.checkpoint = checkpoint,
};
