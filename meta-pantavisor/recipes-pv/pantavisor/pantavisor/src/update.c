/* SPDX-License-Identifier: MIT */
#include "update.h"

#include "alloc.h"

#define BIT(status) (1U << PV_PROGRESS_##status)
/* What was stored and does not run. */
#define RESTING (BIT(NEW) | BIT(QUEUED) | BIT(DOWNLOADING))
/* A local revision may be run again, however its last time ended. */
#define ENDED (BIT(UPDATED) | BIT(DONE) | BIT(WONTGO) | BIT(ERROR))
#define RUNNING (BIT(INPROGRESS) | BIT(TESTING))
#define REBOOT (1U << PV_UPDATE_BY_REBOOT)
#define LIVE (1U << PV_UPDATE_LIVE)

/* What follows from one status and way; the first row that fits counts. */
static const struct row {
	unsigned from, ways;
	enum pv_update_event event;
	struct pv_update_step step;
} rows[] = {
	/* clang-format off */
	{RESTING, REBOOT | LIVE, PV_UPDATE_STORED,
	 {PV_PROGRESS_NEW, "Update ready to be run", PV_UPDATE_WAIT}},
	{RESTING, REBOOT | LIVE, PV_UPDATE_DEFERRED,
	 {PV_PROGRESS_QUEUED, NULL, PV_UPDATE_WAIT}},
	{RESTING, REBOOT | LIVE, PV_UPDATE_FETCHING,
	 {PV_PROGRESS_DOWNLOADING, NULL, PV_UPDATE_WAIT}},
	{RESTING | ENDED, REBOOT, PV_UPDATE_ASKED,
	 {PV_PROGRESS_INPROGRESS, "Rebooting", PV_UPDATE_REBOOT}},
	{RESTING | ENDED, LIVE, PV_UPDATE_ASKED,
	 {PV_PROGRESS_INPROGRESS, "Transitioning to new revision without rebooting", PV_UPDATE_SWITCH}},
	{RESTING | ENDED, REBOOT | LIVE, PV_UPDATE_REFUSED,
	 {PV_PROGRESS_WONTGO, NULL, PV_UPDATE_WAIT}},

	/* The try of what was UPDATED without a reboot is its way to DONE; a failed one is over. */
	{RESTING | RUNNING | BIT(UPDATED) | BIT(DONE), REBOOT | LIVE, PV_UPDATE_TRIED,
	 {PV_PROGRESS_INPROGRESS, "Trying new revision", PV_UPDATE_WAIT}},
	{BIT(WONTGO) | BIT(ERROR), REBOOT | LIVE, PV_UPDATE_TRIED,
	 {PV_PROGRESS_ERROR, "Stale revision", PV_UPDATE_RETURN}},
	{BIT(INPROGRESS), REBOOT, PV_UPDATE_REACHED,
	 {PV_PROGRESS_TESTING, "Awaiting to set rollback point if update is stable", PV_UPDATE_TEST}},
	{BIT(INPROGRESS), LIVE, PV_UPDATE_REACHED,
	 {PV_PROGRESS_TESTING, "Awaiting to see if update is stable", PV_UPDATE_TEST}},
	{BIT(TESTING), REBOOT | LIVE, PV_UPDATE_UNSTABLE,
	 {PV_PROGRESS_TESTING, "Waiting for all containers to become stable", PV_UPDATE_WAIT}},
	{BIT(TESTING), REBOOT, PV_UPDATE_STABLE,
	 {PV_PROGRESS_DONE, "Update finished, revision set as rollback point", PV_UPDATE_COMMIT}},
	{BIT(TESTING), LIVE, PV_UPDATE_STABLE,
	 {PV_PROGRESS_UPDATED, "Update finished, revision not set as rollback point", PV_UPDATE_WAIT}},

	{RUNNING, REBOOT | LIVE, PV_UPDATE_MISSED,
	 {PV_PROGRESS_ERROR, "Status goal not reached", PV_UPDATE_RETURN}},
	{RUNNING, REBOOT | LIVE, PV_UPDATE_LOST,
	 {PV_PROGRESS_ERROR, "A container could not be started", PV_UPDATE_RETURN}},
	{RUNNING, REBOOT | LIVE, PV_UPDATE_CORRUPT,
	 {PV_PROGRESS_ERROR, "Object validation went wrong", PV_UPDATE_RETURN}},
	{RUNNING, REBOOT | LIVE, PV_UPDATE_BROKEN,
	 {PV_PROGRESS_ERROR, NULL, PV_UPDATE_RETURN}},

	/* Cut off, or ended by a kernel or a PID 1 that died; what has an end keeps its reason. */
	{RESTING | RUNNING, REBOOT | LIVE, PV_UPDATE_FELL_BACK,
	 {PV_PROGRESS_ERROR, "Unexpected rollback", PV_UPDATE_FORGET}},
	{BIT(WONTGO) | BIT(ERROR), REBOOT | LIVE, PV_UPDATE_FELL_BACK,
	 {PV_PROGRESS_ERROR, NULL, PV_UPDATE_FORGET}},

	{RESTING | RUNNING | ENDED, REBOOT | LIVE, PV_UPDATE_FACTORY,
	 {PV_PROGRESS_DONE, "Factory revision", PV_UPDATE_WAIT}},
	/* clang-format on */
};

bool pv_update_next(enum pv_progress_status status, enum pv_update_event event, enum pv_update_way way,
	struct pv_update_step *step)
{
	for (size_t i = 0; i < PV_COUNT(rows); i++)
		if (rows[i].event == event && rows[i].from & 1U << status && rows[i].ways & 1U << way) {
			*step = rows[i].step;
			return true;
		}
	return false;
}
