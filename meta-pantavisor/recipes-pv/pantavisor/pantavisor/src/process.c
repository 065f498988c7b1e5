/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

#define CHILDREN_BYTES (64 * 1024)

static bool is_child_of(pid_t pid, pid_t parent)
{
	cleanup_free char *path = pv_fmt("/proc/%d/stat", pid);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	char *after;

	if (pv_read_file(path, 4096, &text, &length, &err) < 0)
		return false;
	/* "pid (name) state ppid": the name may hold anything, so look past its last bracket. */
	after = strrchr(text, ')');
	return after && strlen(after) > 4 && strtol(after + 4, NULL, 10) == parent;
}

/* Until it executes another program, a child is a copy of us. */
static bool runs_our_program(pid_t pid)
{
	cleanup_free char *path = pv_fmt("/proc/%d/exe", pid);
	struct stat theirs, ours;

	if (stat(path, &theirs) < 0 || stat("/proc/self/exe", &ours) < 0)
		return true;
	return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* Opened first: what is seen of the number afterwards is of the process that the descriptor has, or of
 * none.
 */
static int open_if_found(pid_t pid, pid_t parent)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0);

	if (process >= 0 && is_child_of(pid, parent) && !runs_our_program(pid) && is_child_of(pid, parent))
		return process;
	if (process >= 0)
		close(process);
	return -1;
}

static int find_in(char *list, pid_t parent, pid_t *pid)
{
	char *word;

	while ((word = strsep(&list, " "))) {
		pid_t child = (pid_t)strtol(word, NULL, 10);
		int process = child > 0 ? open_if_found(child, parent) : -1;

		if (process >= 0) {
			*pid = child;
			return process;
		}
	}
	return -1;
}

/* Where the kernel has no list of children. */
static int find_in_all(pid_t parent, pid_t *pid)
{
	cleanup_dir DIR *proc = opendir("/proc");
	struct dirent *entry;
	int process = -1;

	/* What an error hides is looked for again. */
	for (errno = 0; proc && process < 0 && (entry = readdir(proc)); errno = 0)
		if (*entry->d_name >= '1' && *entry->d_name <= '9')
			process = find_in(entry->d_name, parent, pid);
	return process;
}

int pv_process_find(pid_t parent, pid_t *pid)
{
	cleanup_free char *path = pv_fmt("/proc/%d/task/%d/children", parent, parent);
	cleanup_free char *list = NULL;
	struct pv_err err;
	size_t length;

	if (pv_read_file(path, CHILDREN_BYTES, &list, &length, &err) < 0)
		return find_in_all(parent, pid);
	return find_in(list, parent, pid);
}

void pv_process_signal(int process, int number)
{
	syscall(SYS_pidfd_send_signal, process, number, NULL, 0);
}
