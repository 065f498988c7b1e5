/* SPDX-License-Identifier: MIT */
#include "echo.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "clock.h"
#include "file.h"
#include "text.h"

#define NAME_BYTES 256
#define LINE_BYTES (NAME_BYTES + PV_ECHO_LOOK_BYTES + 1)
#define LAST_MS 1000

static int open_log(int storage, const char *path, struct stat *info)
{
	int file = pv_beneath_try(storage, path, O_RDONLY);

	if (file >= 0 && fstat(file, info) == 0 && S_ISREG(info->st_mode))
		return file;
	if (file >= 0)
		close(file);
	return -1;
}

/* LXC begins another file where one is full, in the middle of a line: what is left of that one comes first,
 * and nothing follows it. */
static int open_next(struct pv_echo *echo, struct stat *info, bool *is_last)
{
	cleanup_free char *older_log = pv_fmt("%s" PV_ECHO_OLDER, echo->log);
	int file = open_log(echo->storage, echo->log, info), older;
	struct stat before;

	if (file < 0 || (info->st_ino == echo->inode && info->st_size >= echo->at))
		return file;
	older = open_log(echo->storage, older_log, &before);
	if (older >= 0 && before.st_ino == echo->inode && before.st_size > echo->at) {
		close(file);
		*info = before;
		*is_last = true;
		return older;
	}
	if (older >= 0)
		close(older);
	echo->inode = info->st_ino;
	echo->at = 0;
	return file;
}

void pv_echo_init(struct pv_echo *echo, int storage, const char *log, const char *name, const char *console)
{
	struct stat info = {0};
	cleanup_close int file = open_log(storage, log, &info);

	*echo = (struct pv_echo){.storage = storage, .log = log, .name = name};
	pv_console_init(&echo->console, console);
	if (file >= 0) {
		echo->inode = info.st_ino;
		echo->at = info.st_size;
	}
}

static size_t print(struct pv_echo *echo, const char *text, size_t length)
{
	char line[LINE_BYTES];
	size_t used = (size_t)snprintf(line, NAME_BYTES, "%s | ", echo->name);

	if (used >= NAME_BYTES)
		used = NAME_BYTES - 1;
	memcpy(line + used, text, length);
	used += length;
	pv_console_clean(line, used);
	line[used++] = '\n';
	pv_console_write(&echo->console, line, used);
	return used;
}

static void leave_behind(struct pv_echo *echo, off_t size)
{
	off_t missing = size - PV_ECHO_LOOK_BYTES - echo->at;
	char text[64];

	if (size - echo->at <= PV_ECHO_BEHIND_BYTES)
		return;
	snprintf(text, sizeof(text), "(%lld bytes are in its log alone)", (long long)missing);
	echo->credit -= (long)print(echo, text, strlen(text));
	echo->at += missing;
}

/* The bytes of the next line with its end; 0: it has none yet. One that is longer than a look is cut. */
static size_t next_line(const char *text, size_t length, bool is_last)
{
	const char *end = memchr(text, '\n', length);

	if (end)
		return (size_t)(end - text) + 1;
	return is_last || length == PV_ECHO_LOOK_BYTES ? length : 0;
}

static size_t print_line(struct pv_echo *echo, const char *text, size_t length)
{
	if (length && text[length - 1] == '\n')
		length--;
	if (length && text[length - 1] == '\r')
		length--;
	return print(echo, text, length);
}

struct pv_echo_budget *pv_echo_budget(void)
{
	void *memory = mmap(NULL, sizeof(struct pv_echo_budget), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void pv_echo_join(struct pv_echo *echo, struct pv_echo_budget *budget)
{
	echo->budget = budget;
	if (budget)
		echo->place = atomic_fetch_add(&budget->taken, 1) % PV_ECHO_PLACES;
}

static unsigned now_in_looks(void)
{
	return (unsigned)(pv_now_ms() / PV_ECHO_LOOK_MS);
}

/* How many print, with this one. */
static long count_printing(const struct pv_echo *echo)
{
	unsigned now = now_in_looks();
	long count = 1;

	for (unsigned i = 0; echo->budget && i < PV_ECHO_PLACES; i++)
		count += i != echo->place && echo->budget->printed_at[i] + 2 >= now;
	return count;
}

/* What is not used is not saved for later. */
static void take_part(struct pv_echo *echo)
{
	echo->credit += PV_ECHO_LOOK_BYTES / count_printing(echo);
	if (echo->credit > PV_ECHO_LOOK_BYTES)
		echo->credit = PV_ECHO_LOOK_BYTES;
	if (echo->budget)
		echo->budget->printed_at[echo->place] = now_in_looks();
}

/* A line is not begun where no room is left for all of it; but the first one of a look is, also behind how
 * much was left out, and the next looks make up for it. */
static bool has_room(const struct pv_echo *echo, bool is_first, size_t line)
{
	return is_first || (long)(strlen(echo->name) + strlen(" | \n") + line) <= echo->credit;
}

bool pv_echo_look(struct pv_echo *echo, bool is_last)
{
	struct stat info = {0};
	cleanup_close int file = open_next(echo, &info, &is_last);
	char text[PV_ECHO_LOOK_BYTES];
	size_t used = 0, line;
	ssize_t got;

	if (file < 0 || !pv_console_flush(&echo->console))
		return file >= 0;
	if (info.st_size > echo->at)
		take_part(echo);
	if (echo->credit <= 0)
		return info.st_size > echo->at;
	leave_behind(echo, info.st_size);
	got = pread(file, text, sizeof(text), echo->at);
	/* Of one that goes on behind what was read the end is to come. */
	is_last = is_last && echo->at + got >= info.st_size;
	while (got > 0 && pv_console_flush(&echo->console) &&
		(line = next_line(text + used, (size_t)got - used, is_last)) &&
		has_room(echo, !used, line)) {
		echo->credit -= (long)print_line(echo, text + used, line);
		used += line;
	}
	echo->at += (off_t)used;
	return used > 0;
}

/* What PID 1 closes is closed then, such as an object that is to give its room back. */
static void keep_two(unsigned low, unsigned high)
{
	if (low > 3)
		pv_close_range(3, low - 1);
	if (high > low + 1)
		pv_close_range(low + 1, high - 1);
	pv_close_range(high + 1, ~0U);
}

/* PID 1's signals stay blocked: it ends soon after its parent, and has printed the last lines then. */
static _Noreturn void follow(struct pv_echo *echo, int parent)
{
	struct pollfd ended = {.fd = parent, .events = POLLIN};
	int64_t until;

	prctl(PR_SET_NAME, "pv-echo");
	if (parent < echo->storage)
		keep_two((unsigned)parent, (unsigned)echo->storage);
	else
		keep_two((unsigned)echo->storage, (unsigned)parent);
	while (poll(&ended, 1, PV_ECHO_LOOK_MS) <= 0)
		pv_echo_look(echo, false);
	until = pv_now_ms() + LAST_MS;
	while (pv_echo_look(echo, true) && pv_now_ms() < until)
		poll(NULL, 0, PV_ECHO_LOOK_MS / 10);
	while (!pv_console_flush(&echo->console) && pv_now_ms() < until)
		poll(NULL, 0, PV_ECHO_LOOK_MS / 10);
	_exit(0);
}

void pv_echo_begin(struct pv_echo *echo)
{
	cleanup_close int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (self >= 0 && !fork())
		follow(echo, self);
}
