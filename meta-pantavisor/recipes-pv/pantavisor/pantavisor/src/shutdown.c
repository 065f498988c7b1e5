/* SPDX-License-Identifier: MIT */
#include "shutdown.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "prepare.h"

#ifndef STRAYS_MS
#define STRAYS_MS 2000 /* for each of SIGTERM and SIGKILL */
#endif
#define POLL_MS 20
#define CONSOLE_MS 2000
#define MOUNTS_MS 30000

/* The loop is over; each wait here is bounded. */
static void pause_ms(const struct pv *pv, int ms)
{
	struct timespec pause = {.tv_nsec = ms * 1000000L};

	pv_watchdog_feed(&pv->watchdog);
	nanosleep(&pause, NULL);
}

/* Whether no process is left. Those whose parents ended are our children, so that waiting finds them all;
 * one that hangs in the kernel is not waited for longer than this. */
static bool reap_all(const struct pv *pv, int64_t until)
{
	int status;
	pid_t pid;

	do {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			pv_log_reaped(pid, status);
		if (pid < 0 && errno == ECHILD)
			return true;
		pause_ms(pv, POLL_MS);
	} while (pv_now_ms() < until);
	return false;
}

/* Whatever still runs could write: it ends before the file systems do. kill(-1) spares PID 1. */
static void end_strays(const struct pv *pv)
{
	static const int signals[] = {SIGTERM, SIGKILL};

	if (reap_all(pv, pv_now_ms()))
		return;
	for (size_t i = 0; i < PV_COUNT(signals); i++) {
		kill(-1, signals[i]);
		kill(-1, SIGCONT);
		if (reap_all(pv, pv_now_ms() + STRAYS_MS))
			return;
	}
	pv_warn("ending", "processes are left that do not end");
}

static void undo_mounts(struct pv *pv)
{
	/* Thousands of mounts may take longer than there is time for. */
	sync();
	for (size_t i = 0; i < pv->run->task_count; i++)
		pv_prepare_undo(pv->run->tasks[i]);
	sync();
	/* If something still holds it, at least nothing writes to it any more. */
	if (pv->has_storage && mount(NULL, PV_STORAGE_DIR, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		pv_warn("ending", "%s stays writable: %s", PV_STORAGE_DIR, strerror(errno));
	pv_mounts_undo(&pv->mounts);
	sync();
	pv_log_drain(CONSOLE_MS);
}

static bool has_ended(const struct pv *pv, pid_t child)
{
	int64_t until = pv_now_ms() + MOUNTS_MS;

	while (waitpid(child, NULL, WNOHANG) == 0) {
		if (pv_now_ms() >= until)
			return false;
		pause_ms(pv, POLL_MS);
	}
	return true;
}

/* A disk that answers no more would hold up what waits for it: that is a child, and the reboot comes
 * without it. */
static bool do_in_child(struct pv *pv, void (*work)(struct pv *pv))
{
	pid_t child = fork();

	if (child <= 0)
		work(pv);
	if (!child)
		_exit(0);
	return child < 0 || has_ended(pv, child);
}

static void write_log(struct pv *pv)
{
	(void)pv;
	pv_log_write_rest();
}

static void release_storage(struct pv *pv)
{
	bool is_written = do_in_child(pv, write_log);

	pv_log_close_file();
	pv_held_close(&pv->run->held);
	if (pv->change.other)
		pv_held_close(&pv->change.other->held);
	if (pv->has_storage)
		close(pv->storage);
	if (!is_written || !do_in_child(pv, undo_mounts))
		pv_error("ending", "the storage cannot be unmounted in time, its last writes may be lost");
}

void pv_shutdown(struct pv *pv)
{
	end_strays(pv);
	pv_info("ending", pv->end == PV_END_POWEROFF ? "powering off" : "rebooting");
	pv_log_drain(CONSOLE_MS);
	release_storage(pv);
	pv_log_drain(CONSOLE_MS);
	pv_watchdog_feed(&pv->watchdog);
	reboot(pv->end == PV_END_POWEROFF ? RB_POWER_OFF : RB_AUTOBOOT);
	/* A machine that cannot power off, or a kernel that cannot reboot it: nothing runs, nothing is
	 * open.
	 */
	pv_error("ending", "the kernel refuses: %s", strerror(errno));
	if (pv->end == PV_END_POWEROFF)
		pv_watchdog_stop(&pv->watchdog);
	/* Nothing feeds a watchdog any more: it may be able to. */
	for (;;) {
		pv_log_drain(CONSOLE_MS);
		sleep(1);
	}
}
