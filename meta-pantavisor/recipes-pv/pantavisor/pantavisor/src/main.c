/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "config.h"
#include "environment.h"
#include "init.h"

static const char help[] = "pantavisor is the PID 1 of a device: it runs from the kernel's rdinit=.\n"
			   "Otherwise:\n"
			   "  --check <storage> <revision> [--trust <pem>] [--mode <mode>]\n"
			   "               verify a revision on a storage tree, exit 0 or 2\n"
			   "  --config-doc the table of configuration keys, as Markdown\n"
			   "  --version\n"
			   "  --help\n";

int main(int argc, char **argv)
{
	/* The kernel hands unknown words of its command line to PID 1 as arguments: they mean nothing. */
	if (getpid() == 1) {
		pv_environment_clean();
		pv_init();
	}
	if (argc > 1 && !strcmp(argv[1], "--check"))
		return pv_check(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "--config-doc")) {
		pv_config_doc(stdout);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("pantavisor " PV_VERSION);
		return 0;
	}
	fputs(help, argc > 1 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc > 1 && !strcmp(argv[1], "--help") ? 0 : 2;
}
