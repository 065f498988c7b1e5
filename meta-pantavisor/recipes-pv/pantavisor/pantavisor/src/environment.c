/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static char home[] = "HOME=/", term[] = "TERM=linux";
static char *const kernels[] = {home, term, NULL};

bool pv_environment_is_clean(char *const *environment)
{
	for (; *environment; environment++)
		if (strcmp(*environment, home) && strcmp(*environment, term))
			return false;
	return true;
}

void pv_environment_clean(void)
{
	static char name[] = "pantavisor";
	char *const argv[] = {name, NULL};
	const char *self = (const char *)getauxval(AT_EXECFN);

	if (pv_environment_is_clean(environ))
		return;
	if (self)
		execve(self, argv, kernels);
	clearenv();
}
