/* SPDX-License-Identifier: MIT */
#ifndef PV_CLOCK_H
#define PV_CLOCK_H

#include <stdint.h>

/* Milliseconds since boot, those of a suspended device included. */
int64_t pv_now_ms(void);
int64_t pv_earlier_of(int64_t a, int64_t b);

#endif
