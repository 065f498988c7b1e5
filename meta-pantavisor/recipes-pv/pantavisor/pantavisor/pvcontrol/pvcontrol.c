/* SPDX-License-Identifier: MIT */
/*
 * pvcontrol: the control socket of the device, as commands for containers. The words and exit statuses are
 * those of the published tool: 75 where the device asks to try again later, 48 without space, 60 for a
 * wrong checksum, 255 for any other refusal; 2 for words that are not a command.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange.h"

#define SOCKET "/pantavisor/pv-ctrl"
#define PATH_BYTES 768
#define BODY_BYTES 4096
#define OK 200
#define NO_CONTENT 204
#define PARTIAL 206
#define BUSY 503

#define MISTAKE 2
#define NO_SPACE 48
#define BAD_CHECKSUM 60
#define BAD_STATE 70
#define TRY_LATER 75
#define REFUSED 255

/* In paths, bodies and fields "@" stands for the command's last argument; `takes_file`: the first one is a
 * file. */
struct command {
	const char *words, *arguments, *method, *path, *body;
	bool takes_file;
	const char *fields;
};

#define COMMAND(words, arguments, op, payload)                                                            \
	{                                                                                                 \
		words, arguments, "POST", "/commands", "{\"op\":\"" op "\",\"payload\":\"" payload "\"}", \
			false, NULL                                                                       \
	}
#define ACTION(word)                                                                                  \
	{                                                                                             \
		"containers " word, "CONTAINER", "PUT", "/containers/@", "{\"action\":\"" word "\"}", \
			false, NULL                                                                   \
	}

static const struct command commands[] = {
	{"ls", "", "GET", "/containers", NULL, false, NULL},
	{"containers ls", "", "GET", "/containers", NULL, false, NULL},
	ACTION("start"),
	ACTION("stop"),
	ACTION("restart"),
	{"groups ls", "", "GET", "/groups", NULL, false, NULL},
	{"signal ready", "", "POST", "/signal", "{\"type\":\"ready\",\"payload\":\"\"}", false, NULL},
	{"signal alive", "", "POST", "/signal", "{\"type\":\"alive\",\"payload\":\"\"}", false, NULL},
	COMMAND("cmd run", "REVISION", "LOCAL_RUN", "@"),
	COMMAND("cmd run-commit", "REVISION", "LOCAL_RUN_COMMIT", "@"),
	COMMAND("cmd reboot", "[MESSAGE]", "REBOOT_DEVICE", "@"),
	COMMAND("cmd poweroff", "[MESSAGE]", "POWEROFF_DEVICE", "@"),
	COMMAND("cmd run-gc", "", "RUN_GC", ""),
	COMMAND("cmd make-factory", "[REVISION]", "MAKE_FACTORY", "@"),
	COMMAND("cmd enable-ssh", "", "ENABLE_SSH", ""),
	COMMAND("cmd disable-ssh", "", "DISABLE_SSH", ""),
	COMMAND("cmd go-remote", "", "GO_REMOTE", ""),
	COMMAND("cmd defer-reboot", "[SECONDS]", "DEFER_REBOOT", "@"),
	COMMAND("cmd unclaim", "", "UNCLAIM", ""),
	{"logs previous", "", "GET", "/logs/previous", NULL, false, NULL},
	{"logs", "", "GET", "/logs", NULL, false, NULL},
	{"logs", "POSITION", "GET", "/logs", NULL, false, "Range: bytes=@-\r\n"},
	{"buildinfo", "", "GET", "/buildinfo", NULL, false, NULL},
	{"objects ls", "", "GET", "/objects", NULL, false, NULL},
	{"objects get", "SHA256", "GET", "/objects/@", NULL, false, NULL},
	{"objects put", "FILE SHA256", "PUT", "/objects/@", NULL, true, NULL},
	{"steps ls", "", "GET", "/steps", NULL, false, NULL},
	{"steps get", "REVISION", "GET", "/steps/@", NULL, false, NULL},
	{"steps put", "FILE REVISION", "PUT", "/steps/@", NULL, true, NULL},
	{"steps show-progress", "REVISION", "GET", "/steps/@/progress", NULL, false, NULL},
	{"storage ls", "", "GET", "/storage", NULL, false, NULL},
	{"storage gc", "", "POST", "/storage/gc", NULL, false, NULL},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(FILE *to)
{
	fputs("usage: pvcontrol [-s SOCKET] [-f FILE] COMMAND\n\n"
	      "  -s SOCKET  the control socket (default: " SOCKET ")\n"
	      "  -f FILE    where the answer goes (default: stdout)\n\n"
	      "Commands:\n",
		to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %s%s%s\n", commands[i].words, *commands[i].arguments ? " " : "",
			commands[i].arguments);
}

static int mistake(const char *what)
{
	fprintf(stderr, "pvcontrol: %s\nhint: run: pvcontrol -h\n", what);
	return MISTAKE;
}

/* How many words of the command line are the command's own; 0: it is another command. */
static size_t match(const struct command *command, char *const *words, size_t count)
{
	const char *rest = command->words;
	size_t used = 0;

	for (; *rest; used++) {
		size_t length = strcspn(rest, " ");

		if (used == count || strlen(words[used]) != length ||
			strncmp(words[used], rest, length) != 0)
			return 0;
		rest += length + (rest[length] == ' ');
	}
	return used;
}

static bool fits(const struct command *command, size_t arguments)
{
	size_t least = 0, most = 0;

	for (const char *at = command->arguments; *at; at += strcspn(at, " "), at += *at == ' ') {
		most++;
		least += *at != '[';
	}
	return arguments >= least && arguments <= most;
}

/* Adds one character, escaped for where it goes: a path, or a string of JSON. */
static size_t add(char *to, char c, bool is_path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

	if (is_path && !strchr(plain, c))
		return (size_t)sprintf(to, "%%%02X", (unsigned int)(unsigned char)c);
	if (!is_path && (unsigned char)c < ' ')
		return (size_t)sprintf(to, "\\u%04x", (unsigned int)c);
	if (!is_path && (c == '"' || c == '\\'))
		return (size_t)sprintf(to, "\\%c", c);
	*to = c;
	return 1;
}

/* The pattern with the argument in it; false where it does not fit. */
static bool fill(char *to, size_t room, const char *pattern, const char *argument, bool is_path)
{
	size_t used = 0;

	for (; *pattern; pattern++) {
		const char *from = *pattern == '@' ? argument : NULL;

		if (!from)
			to[used++] = *pattern;
		for (; from && *from && used + 8 < room; from++)
			used += add(to + used, *from, is_path);
		if (used + 8 >= room)
			return false;
	}
	to[used] = '\0';
	return true;
}

static int judge(const struct answer *answer)
{
	static const struct {
		const char *error;
		int status;
	} texts[] = {{"Not enough disk space available", NO_SPACE},
		{"Object has bad checksum", BAD_CHECKSUM}, {"State verification has failed", BAD_STATE}};

	if (answer->status == OK || answer->status == NO_CONTENT || answer->status == PARTIAL)
		return 0;
	fprintf(stderr, "pvcontrol: the device refuses (%d): %s\n", answer->status, answer->error);
	if (answer->status == BUSY)
		return TRY_LATER;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char wanted[EXCHANGE_ERROR_BYTES];

		snprintf(wanted, sizeof(wanted), "{\"Error\":\"%s\"}", texts[i].error);
		if (!strcmp(answer->error, wanted))
			return texts[i].status;
	}
	return REFUSED;
}

static bool open_body(const char *name, struct request *request)
{
	struct stat info;

	request->file = open(name, O_RDONLY | O_CLOEXEC);
	if (request->file < 0 || fstat(request->file, &info) < 0) {
		perror(name);
		return false;
	}
	request->length = (unsigned long long)info.st_size;
	return true;
}

static int run(
	const struct command *command, char *const *arguments, size_t count, const char *socket, FILE *to)
{
	const char *last = count ? arguments[count - 1] : "";
	char path[PATH_BYTES], body[BODY_BYTES], fields[PATH_BYTES];
	struct request request = {.socket = socket, .method = command->method, .path = path, .file = -1};
	struct answer answer = {0};
	int done;

	if (!fill(path, sizeof(path), command->path, last, true) ||
		(command->body && !fill(body, sizeof(body), command->body, last, false)) ||
		(command->fields && !fill(fields, sizeof(fields), command->fields, last, true)))
		return mistake("the argument is too long");
	request.text = command->body ? body : NULL;
	request.fields = command->fields ? fields : NULL;
	if (command->takes_file && !open_body(arguments[0], &request))
		return MISTAKE;
	done = exchange(&request, &answer, to);
	return done < 0 ? 1 : judge(&answer);
}

static int choose(char *const *words, size_t count, const char *socket, FILE *to)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		size_t used = match(&commands[i], words, count);

		if (used && fits(&commands[i], count - used))
			return run(&commands[i], words + used, count - used, socket, to);
	}
	return mistake("unknown command, or other arguments than it takes");
}

int main(int argc, char **argv)
{
	const char *socket = SOCKET, *file = NULL;
	FILE *to = stdout;
	int option, status;

	while ((option = getopt(argc, argv, "+s:f:h")) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 0;
		}
		if (option == '?')
			return MISTAKE;
		*(option == 's' ? &socket : &file) = optarg;
	}
	if (file && !(to = fopen(file, "we"))) {
		perror(file);
		return MISTAKE;
	}
	status = choose(argv + optind, (size_t)(argc - optind), socket, to);
	if (to != stdout && fclose(to) != 0 && !status) {
		perror(file);
		status = 1;
	}
	/* An incomplete file is removed. */
	if (file && status)
		unlink(file);
	return status;
}
