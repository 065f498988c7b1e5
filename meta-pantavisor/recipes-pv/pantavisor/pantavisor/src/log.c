/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "console.h"
#include "durable.h"
#include "file.h"

#define DRAIN_POLL_NS 20000000L

/* The only state of a file's scope in this program: where lines go, and how many. */
static struct {
	int level;
	struct pv_console console;
	int storage;
	char path[PV_LOG_PATH_BYTES];
	/* Of the file: what is still to be written, how much of it a child writes now, and how many lines
	 * were lost, of which that child reports some. */
	char kept[PV_LOG_KEPT_BYTES];
	size_t used, writing;
	unsigned long lost, reporting;
	pid_t writer;
	bool is_deferred, is_forked, is_failing;
	char last[PV_LOG_LAST_BYTES];
	size_t last_used;
} sink = {.level = PV_LOG_INFO, .console = {.fd = -1}, .storage = -1};

static const char *const level_names[] = {"fatal", "error", "warn", "info", "debug"};

void pv_log_set_level(int level)
{
	sink.level = level;
}

void pv_log_forked(void)
{
	sink.is_forked = true;
	sink.is_deferred = false;
	sink.used = 0;
	sink.lost = 0;
	sink.console.used = 0;
	sink.console.dropped = 0;
}

void pv_log_open_console(const char *path)
{
	pv_console_init(&sink.console, path);
}

bool pv_log_flush(void)
{
	return pv_console_flush(&sink.console);
}

void pv_log_drain(int ms)
{
	const struct timespec pause = {.tv_nsec = DRAIN_POLL_NS};
	int64_t until = pv_now_ms() + ms;

	while (sink.console.path && !pv_log_flush() && pv_now_ms() < until)
		nanosleep(&pause, NULL);
}

/* The file, or a new one in its place where that is full. */
static int open_file(struct pv_storage folder, const char *name, size_t length, struct pv_err *err)
{
	int file = pv_durable_append(folder, name, err);
	char older[PV_LOG_PATH_BYTES + 2];
	struct stat info;

	if (sink.is_forked || file < 0 || fstat(file, &info) < 0 ||
		(size_t)info.st_size + length <= PV_LOG_FILE_BYTES)
		return file;
	close(file);
	snprintf(older, sizeof(older), "%s.1", name);
	if (folder.ops->rename(folder.root, name, older) < 0)
		folder.ops->unlink(folder.root, name);
	return pv_durable_append(folder, name, err);
}

static int write_lines(size_t length, unsigned long lost)
{
	char missing[64] = "";
	int missing_length =
		lost ? snprintf(missing, sizeof(missing), "(%lu lines are missing here)\n", lost) : 0;
	struct pv_storage storage = pv_storage_at(sink.storage);
	struct pv_err err;
	const char *name;
	cleanup_close int folder = pv_durable_parent(storage, sink.path, &name, &err);
	cleanup_close int file = -1;

	if (folder < 0)
		return -1;
	file = open_file((struct pv_storage){folder, storage.ops}, name, length, &err);
	if (file < 0 || pv_write_all(file, missing, (size_t)missing_length) < 0)
		return -1;
	return pv_write_all(file, sink.kept, length);
}

/* What could not be written is lost, or a full storage would be tried again and again. */
static void take_out(size_t length, unsigned long reported, bool is_written)
{
	bool is_news = !is_written && !sink.is_failing;

	for (size_t i = 0; !is_written && i < length; i++)
		sink.lost += sink.kept[i] == '\n';
	sink.used -= length;
	memmove(sink.kept, sink.kept + length, sink.used);
	if (is_written)
		sink.lost -= reported;
	sink.is_failing = !is_written;
	if (is_news)
		pv_warn("log", "lines are on the console alone: the storage does not take them");
}

static void write_now(void)
{
	size_t length = sink.used;
	unsigned long lost = sink.lost;

	take_out(length, lost, write_lines(length, lost) == 0);
}

/* It has nothing else of its parent's open, so that what that closes is closed. */
static _Noreturn void be_writer(void)
{
	prctl(PR_SET_NAME, "pv-log");
	if (sink.storage > 3)
		pv_close_range(3, (unsigned)sink.storage - 1);
	pv_close_range((unsigned)sink.storage + 1, ~0U);
	_exit(write_lines(sink.writing, sink.reporting) < 0);
}

void pv_log_write(void)
{
	if (sink.writer || !sink.used || sink.storage < 0)
		return;
	sink.writing = sink.used;
	sink.reporting = sink.lost;
	sink.writer = fork();
	if (!sink.writer)
		be_writer();
	if (sink.writer < 0)
		sink.writer = 0;
}

bool pv_log_reaped(pid_t pid, int wait_status)
{
	if (!pid || pid != sink.writer)
		return false;
	sink.writer = 0;
	take_out(sink.writing, sink.reporting, wait_status == 0);
	return true;
}

void pv_log_defer(void)
{
	sink.is_deferred = true;
}

void pv_log_write_rest(void)
{
	sink.is_deferred = false;
	if (sink.used && sink.storage >= 0)
		write_now();
}

static void keep(const char *line, size_t length)
{
	if (length > sizeof(sink.kept) - sink.used) {
		sink.lost++;
		return;
	}
	memcpy(sink.kept + sink.used, line, length);
	sink.used += length;
}

/* Its oldest lines make room. */
static void keep_last(const char *line, size_t length)
{
	while (sink.last_used + length > sizeof(sink.last)) {
		const char *end = memchr(sink.last, '\n', sink.last_used);

		sink.last_used -= (size_t)(end + 1 - sink.last);
		memmove(sink.last, end + 1, sink.last_used);
	}
	memcpy(sink.last + sink.last_used, line, length);
	sink.last_used += length;
}

void pv_log_last(char *text, size_t room)
{
	size_t length = sink.last_used < room ? sink.last_used : room - 1;

	memcpy(text, sink.last + sink.last_used - length, length);
	text[length] = '\0';
}

/* The lines that wait are the other file's, even where its writer hangs: what that writes is its own. */
static void leave_file(void)
{
	if (sink.writer)
		take_out(sink.writing, sink.reporting, true);
	sink.writer = 0;
	pv_log_write();
}

void pv_log_open_file(int storage, const char *path)
{
	bool is_other = *sink.path && strcmp(sink.path, path);

	/* The lines of another revision are not this one's. */
	if (is_other)
		sink.last_used = 0;
	if (is_other && sink.is_deferred)
		leave_file();
	sink.storage = storage;
	snprintf(sink.path, sizeof(sink.path), "%s", path);
	if (!sink.is_deferred && sink.used)
		write_now();
}

void pv_log_close_file(void)
{
	sink.storage = -1;
}

static size_t one_line(char *line, size_t used, size_t room)
{
	pv_console_clean(line, used);
	if (used > room - 2)
		used = room - 2;
	line[used] = '\n';
	return used + 1;
}

void pv_log(enum pv_log_level level, const char *source, const char *format, ...)
{
	char line[PV_LOG_LINE_BYTES];
	int64_t now = pv_now_ms();
	size_t used;
	va_list args;

	if ((int)level > sink.level)
		return;
	snprintf(line, sizeof(line) - 1, "[%5lld.%03d] %-5s %s: ", (long long)(now / 1000),
		(int)(now % 1000), level_names[level], source);
	used = strlen(line);
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - 1 - used, format, args);
	va_end(args);
	used = one_line(line, strlen(line), sizeof(line));
	pv_console_write(&sink.console, line, used);
	keep(line, used);
	keep_last(line, used);
	if (!sink.is_deferred && sink.storage >= 0)
		write_now();
}
