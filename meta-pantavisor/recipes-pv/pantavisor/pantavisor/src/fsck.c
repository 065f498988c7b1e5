/* SPDX-License-Identifier: MIT */
#include "fsck.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "exitstatus.h"

/* The lowest status of e2fsck with which errors are left; with those below it corrected some. */
#define ERRORS_LEFT 4
#define LIMIT_S (30 * 60) /* as long as the watchdog is fed meanwhile */
#define NOT_FOUND 127	  /* as shells have it */

static const char *find_program(void)
{
	static const char *const places[] = {"/usr/sbin/e2fsck", "/sbin/e2fsck"};

	for (size_t i = 0; i < PV_COUNT(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

bool pv_fsck_is_there(void)
{
	return find_program() != NULL;
}

/* In the child. It may print thousands of lines, for which a serial console takes an hour. */
static _Noreturn void run(const char *program, const char *device)
{
	char *environment[] = {NULL};
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	/* Its end, where it takes too long. */
	alarm(LIMIT_S);
	execle(program, "e2fsck", "-f", "-y", device, (char *)NULL, environment);
	_exit(NOT_FOUND);
}

int pv_fsck_repair(const char *device, struct pv_err *err)
{
	const char *program = find_program();
	int status;
	pid_t pid;

	if (!program)
		return pv_err_set(err, "the initramfs has no e2fsck");
	pid = fork();
	if (!pid)
		run(program, device);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return pv_err_errno(err, "e2fsck cannot be started");
	if (pv_exit_status(status) < ERRORS_LEFT)
		return 0;
	pv_err_set(err, "e2fsck did not repair %s: status %d", device, pv_exit_status(status));
	pv_err_hint(err, "run e2fsck on it from another system, or write the image again");
	return -1;
}
