/* SPDX-License-Identifier: MIT */
#include "probe.h"

int probe_answer(void)
{
	return 42;
}
