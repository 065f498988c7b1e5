/* SPDX-License-Identifier: MIT */
#include "exitstatus.h"

#include <sys/wait.h>

int pv_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
