/* SPDX-License-Identifier: MIT */
#ifndef PV_EXITSTATUS_H
#define PV_EXITSTATUS_H

/* What waitpid() gives, as a shell has it: the exit status, or 128 and the signal's number. */
int pv_exit_status(int wait_status);

#endif
