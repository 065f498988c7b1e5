/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
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
	int folder, file;
	size_t written;
	char name[64];
	char early[PV_LOG_EARLY_BYTES];
	size_t early_used;
	bool is_forked;
} sink = {.level = PV_LOG_INFO, .console = {.fd = -1}, .folder = -1, .file = -1};

static const char *const level_names[] = {"fatal", "error", "warn", "info", "debug"};

void pv_log_set_level(int level)
{
	sink.level = level;
}

void pv_log_forked(void)
{
	sink.is_forked = true;
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

static int open_file(struct pv_err *err)
{
	struct stat info;

	sink.file = pv_durable_append(pv_storage_at(sink.folder), sink.name, err);
	if (sink.file < 0)
		return -1;
	sink.written = fstat(sink.file, &info) == 0 ? (size_t)info.st_size : 0;
	return 0;
}

static void rotate(void)
{
	char older[sizeof(sink.name) + 2];
	struct pv_err err;

	close(sink.file);
	snprintf(older, sizeof(older), "%s.1", sink.name);
	if (pv_fsops_real.rename(sink.folder, sink.name, older) < 0)
		pv_fsops_real.unlink(sink.folder, sink.name);
	open_file(&err);
}

static void to_file(const char *line, size_t length)
{
	if (!sink.is_forked && sink.written + length > PV_LOG_FILE_BYTES)
		rotate();
	if (sink.file >= 0 && pv_write_all(sink.file, line, length) == 0)
		sink.written += length;
}

static void keep_early(const char *line, size_t length)
{
	if (length > sizeof(sink.early) - sink.early_used)
		return;
	memcpy(sink.early + sink.early_used, line, length);
	sink.early_used += length;
}

int pv_log_open_file(int folder, const char *name, struct pv_err *err)
{
	pv_log_close_file();
	sink.folder = folder;
	snprintf(sink.name, sizeof(sink.name), "%s", name);
	if (open_file(err) < 0)
		return -1;
	to_file(sink.early, sink.early_used);
	sink.early_used = 0;
	return 0;
}

void pv_log_close_file(void)
{
	pv_cleanup_close(&sink.file);
	pv_cleanup_close(&sink.folder);
	sink.file = sink.folder = -1;
}

static size_t one_line(char *line, size_t used, size_t room)
{
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
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
	if (sink.file >= 0)
		to_file(line, used);
	else
		keep_early(line, used);
}
