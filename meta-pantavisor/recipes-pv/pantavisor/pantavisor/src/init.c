/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <signal.h>
#include <sys/wait.h>

#include "alloc.h"
#include "boot.h"
#include "clock.h"
#include "ctrl.h"
#include "early.h"
#include "ending.h"
#include "fault.h"
#include "log.h"
#include "record.h"
#include "supervise.h"
#include "text.h"

#define DEFAULT_HINT "write an intact image to the storage, signed by a key that this device trusts"
/* Children that one turn reaps: a storm of them leaves time for what else is due. */
#define REAPED_AT_ONCE 256
#define CONSOLE_POLL_MS 100

/* What to do on a signal. */
static const struct {
	int number;
	enum pv_end end;
	const char *why;
} signal_table[] = {
	{SIGTERM, PV_END_POWEROFF, "asked to power off"},
	{SIGUSR2, PV_END_POWEROFF, "asked to power off"},
	{SIGPWR, PV_END_POWEROFF, "the power fails"},
	{SIGINT, PV_END_REBOOT, "Ctrl-Alt-Del"},
};

static void open_loop(struct pv_loop *loop)
{
	int asks[PV_COUNT(signal_table)];

	for (size_t i = 0; i < PV_COUNT(signal_table); i++)
		asks[i] = signal_table[i].number;
	pv_loop_init(loop, asks, PV_COUNT(signal_table));
}

/* False if there may be more. */
static bool reap(struct pv *pv, struct pv_ctrl *ctrl)
{
	for (int i = 0; i < REAPED_AT_ONCE; i++) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return true;
		if (!pv_jobs_reaped(&pv->jobs, pid, status) && !pv_ctrl_reaped(ctrl, pid, status) &&
			!pv_log_reaped(pid, status))
			pv_supervise_reaped(pv, pid, status, pv_now_ms());
	}
	return false;
}

static void take_signal(struct pv *pv, int number)
{
	for (size_t i = 0; i < PV_COUNT(signal_table); i++)
		if (number == signal_table[i].number)
			pv_ending_begin(pv, signal_table[i].end, signal_table[i].why);
}

static void turn(struct pv *pv, struct pv_ctrl *ctrl)
{
	int64_t next = PV_LOOP_FOREVER;

	/* One SIGCHLD may mean many ends, and one that came before the loop for none: always look. */
	if (!reap(pv, ctrl))
		next = 0;
	if (!pv->end)
		pv_supervise_tick(pv, pv_now_ms(), &next);
	if (pv->end)
		pv_ending_tick(pv, pv_now_ms(), &next);
	pv_log_write();
	/* A console that is full has no event that wakes us. */
	if (!pv_log_flush() && next > pv_now_ms() + CONSOLE_POLL_MS)
		next = pv_now_ms() + CONSOLE_POLL_MS;
	take_signal(pv, pv_loop_wait(&pv->loop, next));
}

static void give_up(struct pv *pv, const struct pv_err *err)
{
	cleanup_free char *otherwise =
		pv_fmt("this device stops here: %s", *err->hint ? err->hint : DEFAULT_HINT);

	pv_log(PV_LOG_FATAL, "boot", "revision %s is unusable: %s", pv->run->revision, err->text);
	if (pv->run->standing == PV_STANDING_TRIED)
		pv_record(pv, PV_UPDATE_BROKEN, err->text);
	pv_fault(pv, PV_OCCASION_UNUSABLE, "the revision is unusable", otherwise, pv_now_ms());
}

static void booted(struct pv_boot *boot, const struct pv_err *err)
{
	if (err)
		give_up(boot->pv, err);
	else
		pv_ctrl_open(boot->data, boot->pv);
}

_Noreturn void pv_init(void)
{
	static struct pv pv;
	static struct pv_ctrl ctrl;
	static struct pv_boot boot = {.pv = &pv, .done = booted, .data = &ctrl};
	struct pv_err err = {0};
	int done;

	pv_early_setup();
	open_loop(&pv.loop);
	pv_jobs_init(&pv.jobs, &pv.loop);
	done = pv_boot_begin(&pv, &err);
	pv_watchdog_let_go(&pv.watchdog);
	pv_log_defer();
	if (done < 0)
		give_up(&pv, &err);
	else
		pv_boot_verify(&boot);
	for (;;)
		turn(&pv, &ctrl);
}
