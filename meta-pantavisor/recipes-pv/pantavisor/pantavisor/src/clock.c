/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <sys/types.h>
#include <time.h>

_Static_assert(sizeof(time_t) == 8 && sizeof(off_t) == 8, "-D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64");

int64_t pv_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t pv_earlier_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
