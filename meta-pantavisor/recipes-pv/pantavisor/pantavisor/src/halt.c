/* SPDX-License-Identifier: MIT */
#include "halt.h"

#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

static const struct {
	const char *name;
	int number;
} names[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"TERM", SIGTERM},
	{"PWR", SIGPWR}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}, {"ABRT", SIGABRT},
	{"ALRM", SIGALRM}, {"BUS", SIGBUS}, {"CHLD", SIGCHLD}, {"CLD", SIGCHLD}, {"CONT", SIGCONT},
	{"FPE", SIGFPE}, {"ILL", SIGILL}, {"IO", SIGIO}, {"IOT", SIGABRT}, {"PIPE", SIGPIPE},
	{"POLL", SIGIO}, {"PROF", SIGPROF}, {"SEGV", SIGSEGV}, {"STOP", SIGSTOP}, {"SYS", SIGSYS},
	{"TRAP", SIGTRAP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}, {"URG", SIGURG},
	{"VTALRM", SIGVTALRM}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}};

static int parse(const char *text)
{
	if (isdigit((unsigned char)*text)) {
		long number = strtol(text, NULL, 10);

		return number > 0 && number < NSIG ? (int)number : 0;
	}
	if (pv_starts_with(text, "SIG"))
		text += 3;
	if (pv_starts_with(text, "RTMIN"))
		return SIGRTMIN + (int)strtol(text + 5, NULL, 10) % 16;
	if (pv_starts_with(text, "RTMAX"))
		return SIGRTMAX + (int)strtol(text + 5, NULL, 10) % 16;
	for (size_t i = 0; i < PV_COUNT(names); i++)
		if (!strcmp(text, names[i].name))
			return names[i].number;
	return 0;
}

/* Is the signal in the mask that a line such as "SigBlk:" gives in hexadecimal? */
static bool has(const char *status, const char *line, int number)
{
	const char *at = strstr(status, line);

	return at && strtoull(at + strlen(line), NULL, 16) >> (number - 1) & 1;
}

/* A signal that is blocked may be waited for, or read from a descriptor. */
static bool listens(const char *status, int number)
{
	return has(status, "SigCgt:", number) || has(status, "SigBlk:", number);
}

int pv_halt_signal(const char *configured, const char *status)
{
	int number = configured ? parse(configured) : 0;

	if (number)
		return number;
	if (has(status, "SigBlk:", SIGRTMIN + 3))
		return SIGRTMIN + 3;
	if (listens(status, SIGPWR))
		return SIGPWR;
	return listens(status, SIGTERM) ? SIGTERM : SIGKILL;
}
