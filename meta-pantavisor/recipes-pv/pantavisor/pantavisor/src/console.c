/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define REOPEN_MS 1000

/* Those of 8 bits are also parts of letters in UTF-8, but for the first and behind 0xc2. */
static bool is_control(unsigned char byte, unsigned char before)
{
	return byte < ' ' || byte == 0x7f ||
	       (byte >= 0x80 && byte < 0xa0 && (before < 0x80 || before == 0xc2));
}

void pv_console_clean(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (is_control((unsigned char)line[i], i ? (unsigned char)line[i - 1] : 0))
			line[i] = '?';
}

void pv_console_init(struct pv_console *console, const char *path)
{
	*console = (struct pv_console){.path = path, .fd = -1};
}

static bool open_again(struct pv_console *console)
{
	int64_t now = pv_now_ms();

	if (console->fd >= 0)
		return true;
	if (!console->path || now < console->again_at)
		return false;
	console->again_at = now + REOPEN_MS;
	/* Opened again, not duplicated: the flag is then ours alone, and others' writes stay blocking. */
	console->fd = open(console->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return console->fd >= 0;
}

static void offer(struct pv_console *console)
{
	while (console->used && open_again(console)) {
		ssize_t put = write(console->fd, console->waiting, console->used);

		if (put > 0) {
			console->used -= (size_t)put;
			memmove(console->waiting, console->waiting + put, console->used);
		} else if (put < 0 && errno == EINTR) {
			continue;
		} else if (put == 0 || errno == EAGAIN) {
			return;
		} else {
			close(console->fd);
			console->fd = -1;
		}
	}
}

static bool keep(struct pv_console *console, const char *line, size_t length)
{
	if (length > sizeof(console->waiting) - console->used)
		return false;
	memcpy(console->waiting + console->used, line, length);
	console->used += length;
	return true;
}

static void report_dropped(struct pv_console *console)
{
	char line[80];
	int length = snprintf(
		line, sizeof(line), "(%lu lines were too many for the console)\n", console->dropped);

	if (keep(console, line, (size_t)length))
		console->dropped = 0;
}

bool pv_console_flush(struct pv_console *console)
{
	offer(console);
	if (console->dropped && !console->used) {
		report_dropped(console);
		offer(console);
	}
	return !console->used;
}

void pv_console_write(struct pv_console *console, const char *line, size_t length)
{
	if (!console->path)
		return;
	pv_console_flush(console);
	/* In order: none of what was left out may overtake its count. */
	if (console->dropped || !keep(console, line, length))
		console->dropped++;
	pv_console_flush(console);
}
