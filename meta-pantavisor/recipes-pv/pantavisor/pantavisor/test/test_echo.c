/* SPDX-License-Identifier: MIT */
#include "echo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "tree.h"

#define LOG "logs/0/web/console.log"
#define LONG_NAME "a-container-whose-name-is-as-long-as-many-are-in-a-product"

static char shown[256 * 1024];

static void append(const char *path, const char *text)
{
	cleanup_free char *whole = tree_path(path);
	cleanup_close int fd = open(whole, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && pv_write_all(fd, text, strlen(text)) == 0);
}

/* What the console has got, and then no more. */
static const char *taken(int reader)
{
	size_t used = 0;
	ssize_t got;

	while ((got = read(reader, shown + used, sizeof(shown) - 1 - used)) > 0)
		used += (size_t)got;
	shown[used] = '\0';
	return shown;
}

static void test_lines_come_whole_with_the_name_and_from_now_on(int root, const char *tty, int reader)
{
	struct pv_echo echo;

	append(LOG, "of the boot before\n");
	pv_echo_init(&echo, root, LOG, "web", tty);
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "");
	append(LOG, "one\r\ntwo\nthr");
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "web | one\nweb | two\n");
	append(LOG, "ee\n\n");
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "web | three\nweb | \n");
	append(LOG, "no end");
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "");
	CHECK(pv_echo_look(&echo, true) && !pv_echo_look(&echo, true));
	CHECK_TEXT(taken(reader), "web | no end\n");
	close(echo.console.fd);
}

/* A container cannot clear the screen, nor write a line that looks like ours. */
static void test_control_characters_are_shown_as_such(int root, const char *tty, int reader)
{
	struct pv_echo echo;

	pv_echo_init(&echo, root, LOG, "web", tty);
	append(LOG, "\x1b[2J\r[    1.000] info  boot: \x7f\tok\n");
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "web | ?[2J?[    1.000] info  boot: ??ok\n");
	/* The same in 8 bits and in UTF-8, next to letters. */
	append(LOG, "\x9b"
		    "2J\xc2\x9b\x9b"
		    "2J Gr\xc3\xbc\xc3\x9f"
		    "e \xe2\x9b\x84\n");
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "web | ?2J\xc2??2J Gr\xc3\xbc\xc3\x9f"
				  "e \xe2\x9b\x84\n");
	close(echo.console.fd);
}

static void test_file_that_was_full_is_read_to_its_end(int root, const char *tty, int reader)
{
	cleanup_free char *log = tree_path(LOG), *older = tree_path(LOG PV_ECHO_OLDER);
	struct pv_echo echo;

	pv_echo_init(&echo, root, LOG, "web", tty);
	append(LOG, "the last of it\n");
	CHECK(rename(log, older) == 0);
	append(LOG, "the first of another\n");
	pv_echo_look(&echo, false);
	pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "web | the last of it\nweb | the first of another\n");
	close(echo.console.fd);
}

/* LXC fills a file to its last byte: the rest of the line begins the next one. */
static void test_line_that_two_files_share_is_shown_as_two(int root, const char *tty, int reader)
{
	cleanup_free char *log = tree_path(LOG), *older = tree_path(LOG PV_ECHO_OLDER);
	struct pv_echo echo;

	pv_echo_init(&echo, root, LOG, "web", tty);
	append(LOG, "one\nhalf of ");
	pv_echo_look(&echo, false);
	CHECK(rename(log, older) == 0);
	append(LOG, "a line\ntwo\n");
	for (int i = 0; i < 3; i++)
		pv_echo_look(&echo, false);
	CHECK_TEXT(taken(reader), "web | one\nweb | half of \nweb | a line\nweb | two\n");
	close(echo.console.fd);
}

/* A look ends in the midst of the second one. */
static void test_last_lines_are_whole_as_well(int root, const char *tty, int reader)
{
	cleanup_free char *lines =
		pv_fmt("%0*d\n%0*d\n", PV_ECHO_LOOK_BYTES / 2, 1, PV_ECHO_LOOK_BYTES - 50, 2);
	cleanup_free char *expected =
		pv_fmt("web | %0*d\nweb | %0*d\n", PV_ECHO_LOOK_BYTES / 2, 1, PV_ECHO_LOOK_BYTES - 50, 2);
	struct pv_echo echo;

	pv_echo_init(&echo, root, LOG, "web", tty);
	append(LOG, lines);
	while (pv_echo_look(&echo, true))
		;
	CHECK_TEXT(taken(reader), expected);
	close(echo.console.fd);
}

static void test_flood_takes_a_bounded_part_of_the_console(int root, const char *tty, int reader)
{
	cleanup_free char *flood = pv_alloc(1, PV_ECHO_BEHIND_BYTES * 2 + 1);
	struct pv_echo echo;

	pv_echo_init(&echo, root, LOG, "web", tty);
	memset(flood, '\n', PV_ECHO_BEHIND_BYTES * 2);
	append(LOG, flood);
	pv_echo_look(&echo, false);
	CHECK_HAS(taken(reader), "web | (129024 bytes are in its log alone)\n");
	CHECK(strlen(shown) < 2 * PV_ECHO_LOOK_BYTES);
	memset(flood, 'x', PV_ECHO_BEHIND_BYTES / 2);
	flood[PV_ECHO_BEHIND_BYTES / 2] = '\0';
	append(LOG, flood);
	for (int i = 0; i < 100; i++)
		pv_echo_look(&echo, false);
	/* One line, cut. */
	CHECK_HAS(taken(reader), "xxx\nweb | xxx");
	close(echo.console.fd);
}

/* Short lines, which the name makes longer, and then one that is as long as can be. */
static void test_no_look_prints_more_than_its_part(int root, const char *tty, int reader)
{
	cleanup_free char *lines = pv_fmt(
		"%.*s%0*d\n", 200, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", PV_ECHO_LOOK_BYTES - 50, 1);
	struct pv_echo echo;
	size_t total = 0;

	pv_echo_init(&echo, root, LOG, LONG_NAME, tty);
	append(LOG, lines);
	for (int i = 0; i < 3; i++) {
		pv_echo_look(&echo, false);
		CHECK(strlen(taken(reader)) <= PV_ECHO_LOOK_BYTES + strlen(LONG_NAME " | \n"));
		total += strlen(shown);
	}
	CHECK(total == strlen(lines) + 21 * strlen(LONG_NAME " | "));
	close(echo.console.fd);
}

/* Whatever they print: no one of them has the line for itself, and all have as much as one. */
static void test_containers_that_flood_share_what_one_may_print(int root, const char *tty, int reader)
{
	enum { ECHOES = 10, LOOKS = 40 };
	struct pv_echo_budget *budget = pv_echo_budget();
	cleanup_free char *flood = pv_alloc(1, PV_ECHO_BEHIND_BYTES / 2 + 1);
	struct pv_echo echoes[ECHOES];
	char name[ECHOES][4], *log[ECHOES];
	size_t printed[ECHOES] = {0}, total = 0;

	/* Lines of all lengths: some have short ones, some have long ones. */
	for (int i = 0; i < ECHOES; i++) {
		snprintf(name[i], sizeof(name[i]), "c%d", i);
		log[i] = pv_fmt("logs/0/web/%s.log", name[i]);
		pv_echo_init(&echoes[i], root, log[i], name[i], tty);
		pv_echo_join(&echoes[i], budget);
		for (int at = 0; at < PV_ECHO_BEHIND_BYTES / 2; at++)
			flood[at] = at % (20 + 200 * i) ? 'x' : '\n';
		append(log[i], flood);
	}
	for (int look = 0; look < LOOKS; look++)
		for (int i = 0; i < ECHOES; i++) {
			pv_echo_look(&echoes[i], false);
			printed[i] += strlen(taken(reader));
			total += strlen(shown);
		}
	/* In a slow moment one of them may count as silent. */
	CHECK(total < 2 * LOOKS * PV_ECHO_LOOK_BYTES);
	for (int i = 0; i < ECHOES; i++) {
		CHECK(printed[i] > total / ECHOES / 2 && printed[i] < 2 * total / ECHOES);
		close(echoes[i].console.fd);
		free(log[i]);
	}
}

/* Each of them leaves most of what it prints to its log at each look, and says so. */
static void test_what_is_left_to_logs_is_named_within_the_same_part(int root, const char *tty, int reader)
{
	enum { ECHOES = 50, LOOKS = 40 };
	struct pv_echo_budget *budget = pv_echo_budget();
	cleanup_free char *flood = pv_alloc(1, PV_ECHO_BEHIND_BYTES * 2 + 1);
	const char *log = "logs/0/web/flood.log";
	struct pv_echo echoes[ECHOES];
	size_t total = 0;
	int lines = 0;

	for (int i = 0; i < ECHOES; i++) {
		pv_echo_init(&echoes[i], root, log, LONG_NAME, tty);
		pv_echo_join(&echoes[i], budget);
	}
	for (int at = 0; at < PV_ECHO_BEHIND_BYTES * 2; at++)
		flood[at] = at % 40 ? 'x' : '\n';
	for (int look = 0; look < LOOKS; look++) {
		append(log, flood);
		for (int i = 0; i < ECHOES; i++) {
			pv_echo_look(&echoes[i], false);
			total += strlen(taken(reader));
			lines += strstr(shown, " alone)\n" LONG_NAME " | xxx") != NULL;
		}
	}
	CHECK(total < 2 * LOOKS * PV_ECHO_LOOK_BYTES);
	/* One whose part is small comes to its lines all the same. */
	CHECK(lines > LOOKS);
	for (int i = 0; i < ECHOES; i++)
		close(echoes[i].console.fd);
}

/* The log waits for the console, and not the other way round. */
static void test_console_that_takes_nothing_loses_no_line(int root, const char *tty, int reader)
{
	struct pv_echo echo;
	char line[64];
	int count = 0;

	pv_echo_init(&echo, root, LOG, "web", tty);
	for (int i = 0; i < 4000; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		append(LOG, line);
	}
	for (int i = 0; i < 200; i++)
		pv_echo_look(&echo, false);
	for (int i = 0; i < 200; i++) {
		for (const char *at = taken(reader); (at = strstr(at, "web | line ")); at++)
			CHECK(strtol(at + strlen("web | line "), NULL, 10) == count++);
		pv_echo_look(&echo, false);
	}
	CHECK(count == 4000);
	close(echo.console.fd);
}

static void test_what_is_no_log_is_not_read(int root, const char *tty, int reader)
{
	struct pv_echo echo;

	tree_folder("logs/0/other");
	tree_link("/etc/passwd", "logs/0/other/console.log");
	pv_echo_init(&echo, root, "logs/0/other/console.log", "other", tty);
	CHECK(!pv_echo_look(&echo, true));
	tree_folder("logs/0/fifo");
	tree_fifo("logs/0/fifo/console.log");
	pv_echo_init(&echo, root, "logs/0/fifo/console.log", "fifo", tty);
	CHECK(!pv_echo_look(&echo, true));
	CHECK_TEXT(taken(reader), "");
}

int main(void)
{
	cleanup_free char *tty = NULL;
	cleanup_close int root = -1, reader = -1;
	struct pv_err err;

	tree_begin();
	tree_folder("logs/0/web");
	tree_fifo("tty");
	tty = tree_path("tty");
	root = pv_beneath_root(tree_root, &err);
	reader = open(tty, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(root >= 0 && reader >= 0);
	test_lines_come_whole_with_the_name_and_from_now_on(root, tty, reader);
	test_control_characters_are_shown_as_such(root, tty, reader);
	test_file_that_was_full_is_read_to_its_end(root, tty, reader);
	test_line_that_two_files_share_is_shown_as_two(root, tty, reader);
	test_last_lines_are_whole_as_well(root, tty, reader);
	test_flood_takes_a_bounded_part_of_the_console(root, tty, reader);
	test_no_look_prints_more_than_its_part(root, tty, reader);
	test_containers_that_flood_share_what_one_may_print(root, tty, reader);
	test_what_is_left_to_logs_is_named_within_the_same_part(root, tty, reader);
	test_console_that_takes_nothing_loses_no_line(root, tty, reader);
	test_what_is_no_log_is_not_read(root, tty, reader);
	tree_end();
	return check_done();
}
