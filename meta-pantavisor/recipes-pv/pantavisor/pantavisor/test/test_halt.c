/* SPDX-License-Identifier: MIT */
#include "halt.h"

#include <signal.h>

#include "check.h"

int main(void)
{
	static const char deaf[] = "Name:\tsleep\nSigBlk:\t0000000000000000\nSigCgt:\t0000000000000000\n";
	static const char plain[] = "Name:\tnginx\nSigBlk:\t0000000000000000\nSigCgt:\t0000000000004000\n";
	static const char power[] = "Name:\tinit\nSigBlk:\t0000000000000000\nSigCgt:\t0000000020000000\n";
	/* glibc's SIGRTMIN is 34, so +3 is bit 36. */
	static const char systemd[] =
		"Name:\tsystemd\nSigBlk:\t0000001000000000\nSigCgt:\t0000000020000000\n";

	CHECK(pv_halt_signal(NULL, plain) == SIGTERM);
	CHECK(pv_halt_signal(NULL, power) == SIGPWR);
	CHECK(pv_halt_signal(NULL, systemd) == SIGRTMIN + 3);
	CHECK(pv_halt_signal(NULL, deaf) == SIGKILL && pv_halt_signal(NULL, "") == SIGKILL);
	CHECK(pv_halt_signal("SIGQUIT", power) == SIGQUIT && pv_halt_signal("QUIT", power) == SIGQUIT);
	CHECK(pv_halt_signal("3", power) == 3 && pv_halt_signal("SIGRTMIN+4", plain) == SIGRTMIN + 4);
	CHECK(pv_halt_signal("SIGRTMAX-2", plain) == SIGRTMAX - 2 &&
		pv_halt_signal("SIGRTMIN", plain) == SIGRTMIN);
	CHECK(pv_halt_signal("SIGCONT", plain) == SIGCONT && pv_halt_signal("SIGABRT", plain) == SIGABRT);
	CHECK(pv_halt_signal("9999", plain) == SIGTERM && pv_halt_signal("SIGNOTHING", plain) == SIGTERM);
	return check_done();
}
