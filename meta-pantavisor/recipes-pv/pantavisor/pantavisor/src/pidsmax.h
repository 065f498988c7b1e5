/* SPDX-License-Identifier: MIT */
/* How many processes and threads containers may have, so that PID 1 always gets some, and one container
 * that forks for ever leaves some to the others. */
#ifndef PV_PIDSMAX_H
#define PV_PIDSMAX_H

#include "err.h"

/* Of all containers: three quarters of what the kernel has left, with `used` ones now: the lesser of its
 * threads-max and its pid_max, which are in the directory `kernel`. One that cannot be read does not count.
 */
long pv_pidsmax_of(const char *kernel, long used);
/* For the group that all containers' groups are in; it is made below the directory `cgroups`. */
int pv_pidsmax_set(const char *cgroups, const char *kernel, struct pv_err *err);
/* Of a container without a limit of its own: two thirds of that. 0 where the kernel limits none. */
long pv_pidsmax_each(const char *cgroups);

#endif
