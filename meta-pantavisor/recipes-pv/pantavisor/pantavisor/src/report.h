/* SPDX-License-Identifier: MIT */
/* What runs on this device, as the JSON documents of the control socket. */
#ifndef PV_REPORT_H
#define PV_REPORT_H

#include <stdio.h>

#include "pv.h"

void pv_report_containers(FILE *to, const struct pv *pv, int64_t now);
void pv_report_groups(FILE *to, const struct pv *pv, int64_t now);
/* The revision that runs, and those from which its containers were mounted, which ran on without a boot;
 * each on a line. */
void pv_report_needed(FILE *to, const struct pv *pv, int64_t now);

#endif
