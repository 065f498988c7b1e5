/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "text.h"

#define LINE "a line of forty characters to be written\n"
#define MORE_THAN_FITS 4000

static struct pv_console console;

static size_t drain(int fd, char *text, size_t room)
{
	ssize_t got = read(fd, text, room - 1);

	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* The other end reads nothing: with a blocking console this would never return. */
static void test_full_console_holds_up_nothing(const char *path)
{
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	static char text[1024 * 1024];
	size_t used = 0, got;

	pv_console_init(&console, path);
	for (int i = 0; i < MORE_THAN_FITS; i++)
		pv_console_write(&console, LINE, strlen(LINE));
	CHECK(console.dropped && console.used && !pv_console_flush(&console));
	/* It is drained: what was kept comes, then how much was left out. */
	do {
		got = drain(reader, text + used, sizeof(text) - used);
		used += got;
		pv_console_flush(&console);
	} while (got);
	CHECK(!console.dropped && !console.used);
	CHECK_HAS(text, "lines were too many for the console)\n");
	CHECK(!strncmp(text, LINE LINE, 2 * strlen(LINE)));
	pv_console_write(&console, LINE, strlen(LINE));
	CHECK(drain(reader, text, sizeof(text)) == strlen(LINE));
	close(reader);
}

static void test_console_that_fails_is_opened_again(const char *path)
{
	char text[4096];
	int reader;

	pv_console_write(&console, LINE, strlen(LINE));
	CHECK(console.fd == -1 && console.used == strlen(LINE));
	reader = open(path, O_RDONLY | O_NONBLOCK);
	console.again_at = 0;
	CHECK(pv_console_flush(&console));
	CHECK(drain(reader, text, sizeof(text)) == strlen(LINE));
	close(reader);
	close(console.fd);
}

static void test_no_console(void)
{
	pv_console_init(&console, NULL);
	pv_console_write(&console, LINE, strlen(LINE));
	CHECK(!console.used && !console.dropped && pv_console_flush(&console));
	pv_console_init(&console, "/nowhere/console");
	pv_console_write(&console, LINE, strlen(LINE));
	CHECK(console.used && !pv_console_flush(&console));
}

int main(void)
{
	char folder[] = "/tmp/pv-console-XXXXXX";
	cleanup_free char *path = NULL;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		return 1;
	path = pv_fmt("%s/console", folder);
	if (mkfifo(path, 0600) < 0)
		return 1;
	test_full_console_holds_up_nothing(path);
	test_console_that_fails_is_opened_again(path);
	test_no_console();
	unlink(path);
	rmdir(folder);
	return check_done();
}
