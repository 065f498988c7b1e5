/* SPDX-License-Identifier: MIT */
#include "seccomp.h"

#include <string.h>

/*
 * What liblxc denies by default, and what is not divided by namespaces: keyrings, BPF, performance
 * counters, io_uring. A user namespace would give its maker all capabilities in it, and with them much more
 * of the kernel to attack: 268435456 is CLONE_NEWUSER. The flags of clone3 cannot be seen by a filter;
 * programs that hear that it does not exist (38, ENOSYS) take clone. A container that restarts by
 * reboot(2), as 19088743 and 2712847316 are, would be started again by liblxc, past what is looked at
 * before each start (targets); it may end by it. What the architecture does not have is passed over.
 */
const char pv_seccomp_policy[] = "2\n"
				 "denylist\n"
				 "reject_force_umount\n"
				 "[all]\n"
				 "init_module errno 1\n"
				 "finit_module errno 1\n"
				 "delete_module errno 1\n"
				 "kexec_load errno 1\n"
				 "kexec_file_load errno 1\n"
				 "open_by_handle_at errno 1\n"
				 "bpf errno 1\n"
				 "perf_event_open errno 1\n"
				 "userfaultfd errno 1\n"
				 "add_key errno 1\n"
				 "keyctl errno 1\n"
				 "request_key errno 1\n"
				 "io_uring_setup errno 1\n"
				 "io_uring_enter errno 1\n"
				 "io_uring_register errno 1\n"
				 "unshare errno 1 [0,268435456,SCMP_CMP_MASKED_EQ,268435456]\n"
				 "clone errno 1 [0,268435456,SCMP_CMP_MASKED_EQ,268435456]\n"
				 "clone3 errno 38\n"
				 "reboot errno 1 [2,19088743,SCMP_CMP_MASKED_EQ,4294967295]\n"
				 "reboot errno 1 [2,2712847316,SCMP_CMP_MASKED_EQ,4294967295]\n";

bool pv_seccomp_is_filtered(const char *status)
{
	const char *at = strstr(status, "\nSeccomp:\t");

	return at && at[strlen("\nSeccomp:\t")] == '2';
}
