/* SPDX-License-Identifier: MIT */
#include "boot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "alloc.h"
#include "bootnotes.h"
#include "cmdline.h"
#include "commit.h"
#include "current.h"
#include "file.h"
#include "handover.h"
#include "log.h"
#include "modules.h"
#include "names.h"
#include "resume.h"
#include "storage.h"
#include "text.h"
#include "unit.h"
#include "update.h"
#include "usable.h"
#include "verify.h"
#include "volume.h"

#define CMDLINE_BYTES 8192

/* Without a file nothing is known of what this device trusts: better no start than any. */
static int read_config(struct pv *pv, struct pv_err *err)
{
	cleanup_free char *text = NULL;
	size_t length;

	pv_config_init(&pv->config);
	if (pv_read_file(PV_CONFIG_FILE, PV_CONFIG_TEXT_BYTES, &text, &length, err) < 0 ||
		pv_config_read_file(&pv->config, text, err) < 0) {
		pv_err_hint(err, "build the initramfs with an intact " PV_CONFIG_FILE);
		return pv_err_wrap(err, "configuration");
	}
	pv_config_read_cmdline(&pv->config, pv->cmdline);
	pv_log_set_level(pv_config_number(&pv->config, PV_LOG_LEVEL));
	pv->echoes = pv_echo_budget();
	if (!pv_secureboot_parse(pv_config_text(&pv->config, PV_SECUREBOOT_MODE), &pv->mode))
		return pv_err_set(err, "PV_SECUREBOOT_MODE is not one of the modes");
	return 0;
}

static int read_trust(struct pv *pv, struct pv_err *err)
{
	cleanup_free char *path =
		pv_fmt(PV_TRUST_DIR "/%s.crt", pv_config_text(&pv->config, PV_SECUREBOOT_TRUSTSTORE));

	if (pv->mode == PV_SECUREBOOT_DISABLED)
		return 0;
	if (pv_verify_read_trust(path, &pv->trust, err) < 0) {
		pv_err_hint(err, "build the initramfs with the root certificates of this device");
		return -1;
	}
	if (pv_verify_read_signers(PV_SIGNERS_FILE, &pv->signers, err) == 0)
		return 0;
	pv_err_hint(err, "build the initramfs with a table of signers that pvr verify --signers takes");
	return -1;
}

static void read_cmdline(struct pv *pv)
{
	cleanup_free char *given = NULL;
	struct pv_err err;
	size_t length;

	if (pv_read_file("/proc/cmdline", CMDLINE_BYTES, &pv->cmdline, &length, &err) < 0) {
		pv_error("boot", "%s", err.text);
		pv->cmdline = pv_dup("", 0);
	}
	given = pv_cmdline_get(pv->cmdline, "pv_rev");
	pv->run = pv_run_new(given && *given ? given : "0");
}

/* It is not signed: names of revisions, or nothing. */
static void read_environment(struct pv *pv)
{
	bool is_uboot = !strcmp(pv_config_text(&pv->config, PV_BOOTLOADER_TYPE), "uboot");
	cleanup_free char *given = pv_cmdline_get(pv->cmdline, "pv_try");
	cleanup_free char *uncounted = pv_cmdline_get(pv->cmdline, "pv_uncounted");
	struct pv_err err;

	pv->loader = is_uboot ? PV_BOOTENV_UBOOT : PV_BOOTENV_GRUB;
	pv_commit_load(pv, given && pv_revision_is(given) ? given : "");
	if (!is_uboot && pv_bootnotes_make(pv_storage_at(pv->storage), &pv->env, &err) < 0)
		pv_warn("boot", "%s", err.text);
	pv->is_uncounted = uncounted != NULL;
	if (pv->is_uncounted)
		pv_warn("boot",
			"the boot loader cannot note what it boots: a kernel that panics before this "
			"boot is good stops");
}

/* What a cut left, and what became of an update; a device that cannot note it boots all the same. */
static void resume(const struct pv *pv)
{
	static const struct pv_update_news tried = {.event = PV_UPDATE_TRIED};
	struct pv_storage at = pv_storage_at(pv->storage);
	struct pv_err err;

	if (pv_resume(at, &err) < 0)
		pv_warn("boot", "%s", err.text);
	if (pv_resume_records(at, &pv->env, pv->run->revision, &err) < 0)
		pv_warn("boot", "%s", err.text);
	if (pv->run->standing == PV_STANDING_TRIED &&
		pv_update_record(at, pv->run->revision, &tried, &err) < 0)
		pv_warn("boot", "%s", err.text);
}

int pv_boot_begin(struct pv *pv, struct pv_err *err)
{
	struct utsname name;

	if (uname(&name) == 0)
		snprintf(pv->release, sizeof(pv->release), "%s", name.release);
	read_cmdline(pv);
	pv->run->standing = pv_revision_standing(pv->run->revision, "", "", "");
	if (read_config(pv, err) < 0 || read_trust(pv, err) < 0)
		return -1;
	pv_info("boot", "pantavisor " PV_VERSION ", Linux %s, revision %s", pv->release, pv->run->revision);
	if (!pv_revision_is(pv->run->revision))
		return pv_err_set(err, "\"%.60s\" is not a name of a revision", pv->run->revision);
	pv_modules_load(PV_MODULES_FILE);
	pv_watchdog_boot(&pv->watchdog, &pv->config, &pv->loop, &pv->jobs);
	if (pv_storage_mount(pv, err) < 0)
		return -1;
	read_environment(pv);
	pv_current_log(pv);
	resume(pv);
	pv_current_point(pv);
	return 0;
}

/* For containers alone: a device whose record cannot be read boots all the same. */
static void show_unit(const struct pv *pv)
{
	struct pv_err err;

	if (pv_unit_show(pv->storage, PV_UNIT_SHOWN, &err) < 0)
		pv_warn("boot", "containers have no record of this unit: %s", err.text);
}

/* In the job. */
static int verify(void *argument, struct pv_job_result *result)
{
	const struct pv_boot *boot = argument;
	struct pv *pv = boot->pv;
	struct pv_verified verified;

	if (pv_usable_take(pv, &verified, &result->err) < 0)
		return -1;
	if (verified.has_complaint)
		pv_warn("boot", "audit: %s", verified.complaint.text);
	pv_info("boot", "revision %s verified: %zu objects, %zu signatures", pv->run->revision,
		verified.objects, verified.signatures);
	if (verified.release)
		pv_info("boot", "release %ld, bound by a set signature", verified.release);
	show_unit(pv);
	if (pv_volume_mount_bsp(pv, &result->err) < 0)
		return pv_err_wrap(&result->err, "bsp");
	memcpy(result->bytes, &verified.release, sizeof(verified.release));
	result->length = sizeof(verified.release);
	return pv_handover_send(boot->ends[1], &pv->run->state, &pv->run->held, &result->err);
}

static int take(const struct pv_boot *boot, const struct pv_job_result *result, struct pv_err *err)
{
	struct pv *pv = boot->pv;

	if (result->length != sizeof(pv->run->release))
		return pv_err_set(err, "what was found of it is not valid");
	memcpy(&pv->run->release, result->bytes, sizeof(pv->run->release));
	if (pv_handover_take(boot->ends[0], pv->run,
		    pv_config_number(&pv->config, PV_UPDATER_GOALS_TIMEOUT), pv->release, err) < 0)
		return -1;
	pv_run_make_tasks(pv->run);
	return 0;
}

static void verified(void *argument, const struct pv_job_result *result)
{
	struct pv_boot *boot = argument;
	struct pv_err err = result->err;
	bool may_run = result->done == 0 && !boot->pv->end && take(boot, result, &err) == 0;

	close(boot->ends[0]);
	close(boot->ends[1]);
	/* An end that came meanwhile needs no revision. */
	if (!boot->pv->end)
		boot->done(boot, may_run ? NULL : &err);
}

void pv_boot_verify(struct pv_boot *boot)
{
	struct pv_job_result none = {.done = -1};
	const struct pv_job job = {.name = "pv-verify",
		.work = verify,
		.done = verified,
		.argument = boot,
		.limit_ms = PV_VERIFY_MS};

	pv_volume_note_bsp(boot->pv);
	if (pv_handover_open(boot->ends, &none.err) < 0)
		boot->done(boot, &none.err);
	else if (pv_job_start(&boot->pv->jobs, &job, &none.err) < 0)
		verified(boot, &none);
}
