/* SPDX-License-Identifier: MIT */
/* The program of containers that take all they can get, and of one that does not listen. */
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTS 5000

static void fork_for_ever(void)
{
	for (;;)
		if (fork() == 0)
			for (;;)
				pause();
}

static void mount_many(void)
{
	mkdir("/tmp/many", 0755);
	for (int i = 0; i < MOUNTS; i++)
		if (mount("/tmp/many", "/tmp/many", NULL, MS_BIND, NULL) < 0)
			_exit(1);
}

int main(int argc, char **argv)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (argc > 1 && !strcmp(argv[1], "forks"))
		fork_for_ever();
	if (argc > 1 && !strcmp(argv[1], "mounts"))
		mount_many();
	for (;;)
		pause();
}
