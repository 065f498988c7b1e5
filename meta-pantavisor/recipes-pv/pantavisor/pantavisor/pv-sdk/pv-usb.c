/* SPDX-License-Identifier: MIT */
/*
 * pv-usb: looks for USB sticks, and has the device try the state that a signed export on one holds. No
 * network is needed. What is on a stick is from anyone: it is mounted read-only in a process of its own,
 * which has given up its rights before it reads; the device checks signatures and the release, as of any
 * state. What becomes of it is printed, one line for each change. Its container has the role mgmt and may
 * mount.
 *
 *   pv-usb [-s SOCKET]           for ever
 *   pv-usb [-s SOCKET] FILE      that export, once
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "import.h"
#include "stick.h"

#define SOCKET "/pantavisor/pv-ctrl"
#define BLOCKS "/sys/class/block"
#define PLACE "/stick"
#define LOOK_S 2
#define IMPORT_S 3600
#define WATCHES 3600
#ifndef IMPORT_MEMORY
#define IMPORT_MEMORY (128 * 1024 * 1024)
#endif

static int complain(const char *where, const struct pv_err *err)
{
	printf("pv-usb: %s: %s%s%s\n", where, err->text, *err->hint ? "; hint: " : "", err->hint);
	fflush(stdout);
	return 1;
}

/* Of root's rights those to read the files of others stay; none can be gained. */
static void drop_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const uint32_t kept = 1U << CAP_DAC_READ_SEARCH;
	const struct __user_cap_data_struct data[2] = {{.effective = kept, .permitted = kept}};
	const struct rlimit memory = {IMPORT_MEMORY, IMPORT_MEMORY};

	if (IMPORT_MEMORY)
		setrlimit(RLIMIT_AS, &memory);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capset, &header, data) < 0)
		_exit(1);
}

static bool is_over(const char *status)
{
	static const char *const ends[] = {"DONE", "UPDATED", "ERROR", "WONTGO"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!strcmp(status, ends[i]))
			return true;
	return false;
}

/* Each change; a reboot ends it, and after that the revision is known. */
static void watch(const struct import *import, const char *where)
{
	char status[IMPORT_STATUS_BYTES], reason[IMPORT_REASON_BYTES], last[IMPORT_STATUS_BYTES] = "";

	for (int i = 0; i < WATCHES && !is_over(last); i++, sleep(1)) {
		if (!import_status(import, status, reason) || !strcmp(status, last))
			continue;
		strcpy(last, status);
		printf("pv-usb: %s: %s is %s%s%s\n", where, import->revision, status, *reason ? ": " : "",
			reason);
		fflush(stdout);
	}
}

/* Once more where there was no room: what the device does not need any more goes then. */
static int import_whole(struct import *import, int file, struct pv_err *err)
{
	int again = dup(file), done = import_export(import, file, err);
	struct pv_err unused;

	if (done == 0 || !import->lacks_room || lseek(again, 0, SEEK_SET) < 0 ||
		import_collect(import, &unused) < 0) {
		close(again);
		return done;
	}
	free(import->revision);
	import->revision = NULL;
	return import_export(import, again, err);
}

static int import_file(const char *socket, int file, const char *name, const char *where)
{
	struct import import = {.socket = socket, .message = name};
	struct pv_err err = {0};
	int done = import_whole(&import, file, &err);

	if (done < 0) {
		complain(where, &err);
	} else if (*import.known) {
		printf("pv-usb: %s: %s was tried already, as %s: %s\n", where, name, import.revision,
			import.known);
	} else {
		printf("pv-usb: %s: %s is tried as %s\n", where, name, import.revision);
		fflush(stdout);
		watch(&import, where);
	}
	fflush(stdout);
	free(import.revision);
	return done < 0;
}

/* In a process of its own, which the mount does not outlive. */
static int look_into(const char *socket, const struct stick *stick)
{
	struct pv_err err = {0};
	char name[256];
	int mounted, file;

	alarm(IMPORT_S);
	mounted = stick_mount(stick, PLACE, &err);
	if (mounted)
		return mounted < 0 ? complain(stick->name, &err) : 0;
	drop_rights();
	file = stick_export(PLACE, name, &err);
	if (file < 0)
		return *err.text ? complain(stick->name, &err) : 0;
	return import_file(socket, file, name, stick->name);
}

static void look(const char *socket, const struct stick *stick)
{
	pid_t child = fork();

	if (!child)
		_exit(look_into(socket, stick));
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* A stick is looked into once: when it comes, and again after it was taken out. */
static _Noreturn void look_for_sticks(const char *socket)
{
	static struct stick known[STICKS], found[STICKS];
	size_t known_count = 0, found_count;

	for (;; sleep(LOOK_S)) {
		found_count = stick_list(BLOCKS, found);
		for (size_t i = 0; i < found_count; i++)
			if (!stick_is_among(&found[i], known, known_count))
				look(socket, &found[i]);
		memcpy(known, found, sizeof(known));
		known_count = found_count;
	}
}

static int usage(void)
{
	fputs("usage: pv-usb [-s SOCKET] [FILE]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *socket = SOCKET;
	int option, file;

	while ((option = getopt(argc, argv, "s:")) != -1) {
		if (option != 's')
			return usage();
		socket = optarg;
	}
	signal(SIGPIPE, SIG_IGN);
	if (optind + 1 < argc)
		return usage();
	if (optind == argc) {
		mkdir(PLACE, 0700);
		look_for_sticks(socket);
	}
	file = open(argv[optind], O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		perror(argv[optind]);
		return 2;
	}
	return import_file(socket, file, argv[optind], argv[optind]);
}
