/* SPDX-License-Identifier: MIT */
#include <probe.h>
#include <stdio.h>

int main(void)
{
	printf("%d\n", probe_answer());
	return 0;
}
