/* SPDX-License-Identifier: MIT */
/* The story of an update as a device lives it, but for the boots between. */
#include "step.h"

#include "beneath.h"
#include "factory.h"
#include "firmware.h"
#include "tree.h"

static struct pv_err err;
static struct pv_storage at;
static struct firmware old, next;
static struct pv_bootenv env;
static struct pv_publisher publisher;

/* A device that runs revision 0. */
static void begin(void)
{
	tree_begin();
	tree_folder("boot");
	at = (struct pv_storage){pv_beneath_root(tree_root, &err), firmware_door()};
	env = (struct pv_bootenv){.revision = "0"};
	publisher = (struct pv_publisher){at, PV_BOOTENV_GRUB, &env};
	CHECK(firmware_make(&old, 0, &err) == 0 && firmware_make(&next, 1, &err) == 0);
	CHECK(firmware_send(at, &old, &err) == 0 && firmware_install(at, &old, "0", &err) == 0);
	CHECK(pv_publish_commit(&publisher, "0", "", &err) == 0);
}

static void end(void)
{
	firmware_free(&old);
	firmware_free(&next);
	close(at.root);
	tree_end();
}

static bool refuses(const char *revision, const char *text, long least_release, const char *reason)
{
	struct pv_verify options = firmware_options(at.root, revision);
	struct pv_step step = {
		.revision = revision, .text = text, .length = strlen(text), .least_release = least_release};
	bool refused = pv_step_create(at, &options, &step, &err) < 0 && strstr(err.text, reason);

	if (!refused)
		fprintf(stderr, "%s\n", err.text);
	return refused;
}

static void check_progress(const char *revision, const char *status)
{
	struct pv_progress progress;

	CHECK(pv_progress_load(at.root, revision, &progress, &err) == 0);
	CHECK_TEXT(pv_progress_name(progress.status), status);
}

static void test_a_step_is_refused_before_anything_is_written(void)
{
	begin();
	CHECK(refuses("locals/x", next.text, 0, "is missing"));
	CHECK(refuses("locals/x", "{}", 0, ""));
	CHECK(refuses("locals/x", "{\"#spec\":", 0, ""));
	CHECK(refuses("../x", old.text, 0, "is not a name of a revision"));
	CHECK(refuses("locals/x", old.text, 7, "it has no release, and this device has had 7"));
	CHECK(refuses("0", next.text, 0, "exists with another state"));
	CHECK(!tree_has("trails/locals/x") && !tree_has("trails/locals/.new-x"));
	/* An answer that was lost: the client asks once more. */
	CHECK(firmware_install(at, &old, "0", &err) == 0);
	end();
}

static void test_an_update_is_tried_committed_and_the_old_one_collected(void)
{
	const char *const running[] = {"locals/x"};
	const struct pv_keep keep = {.revisions = running, .count = 1};
	cleanup_free char *shared = NULL, *own = NULL;
	struct pv_collected collected;
	struct pv_bootenv read;

	begin();
	CHECK(firmware_send(at, &next, &err) == 0 && firmware_install(at, &next, "locals/x", &err) == 0);
	CHECK(firmware_verify(at.root, "locals/x", &err) == 0);
	tree_check_text("trails/locals/x/.pvr/config", "{\"ObjectsDir\":\"../../../objects\"}");
	check_progress("locals/x", "NEW");
	CHECK(pv_publish_try(&publisher, "locals/x", &err) == 0);
	pv_bootenv_load(at.root, PV_BOOTENV_GRUB, &read);
	CHECK_TEXT(read.tried, "locals/x");
	CHECK_TEXT(read.revision, "0");
	/* The boot loader may still need revision 0. */
	CHECK(pv_collect(at, PV_BOOTENV_GRUB, &keep, &collected, &err) == 0 && !collected.revisions);
	CHECK(pv_publish_commit(&publisher, "locals/x", "0", &err) == 0);
	CHECK(tree_has("trails/locals/x/.pv/done"));
	/* A full storage took neither. */
	tree_unlink("trails/locals/x/.pv/done");
	CHECK(pv_resume_records(at, &env, "locals/x", &err) == 0);
	check_progress("locals/x", "DONE");
	CHECK(tree_has("trails/locals/x/.pv/done"));
	CHECK(pv_collect(at, PV_BOOTENV_GRUB, &keep, &collected, &err) == 0 && !collected.revisions);
	/* And now it is not even the last good one. */
	CHECK(pv_publish_commit(&publisher, "locals/x", "", &err) == 0);
	tree_file("logs/0/web/console.log", "x");
	tree_file("disks/rev/0/web/data/file", "x");
	tree_file("disks/perm/web/data/file", "x");
	CHECK(pv_collect(at, PV_BOOTENV_GRUB, &keep, &collected, &err) == 0);
	CHECK(collected.revisions == 1 && collected.objects == 5 && collected.bytes > 0);
	CHECK(!tree_has("trails/0") && !tree_has("trails/.dead-0") && !tree_has("logs/0") &&
		!tree_has("disks/rev/0") && tree_has("disks/perm/web/data/file"));
	shared = pv_fmt("objects/%s", old.ids[FIRMWARE_CONF]);
	own = pv_fmt("objects/%s", old.ids[FIRMWARE_ROOT]);
	CHECK(tree_has(shared) && !tree_has(own));
	CHECK(firmware_verify(at.root, "locals/x", &err) == 0);
	end();
}

static enum pv_secureboot options_mode = PV_SECUREBOOT_DISABLED;
static long running;

static int make_factory(const char *from)
{
	struct pv_verify options = firmware_options(at.root, "0");

	options.mode = options_mode;
	return pv_factory_make(at, &options, running, from, &err);
}

/* With nothing of what the old one wrote, and nothing of it left. */
static void test_a_revision_becomes_the_factory_one(void)
{
	cleanup_free char *own = NULL, *keep = NULL;

	begin();
	own = pv_fmt("objects/%s", next.ids[FIRMWARE_ROOT]);
	CHECK(firmware_send(at, &next, &err) == 0 && firmware_install(at, &next, "locals/x", &err) == 0);
	tree_file("logs/0/web/console.log", "x");
	tree_file("disks/rev/0/web/data/file", "x");
	tree_file("disks/perm/web/data/file", "x");
	tree_file("trails/0/.pv/commitmsg", "old");
	CHECK(make_factory("locals/y") < 0 && tree_has("trails/0/.pv/commitmsg"));
	/* One that would not verify touches nothing. */
	keep = pv_fmt("objects/%s-kept", next.ids[FIRMWARE_ROOT]);
	CHECK(renameat(at.root, own, at.root, keep) == 0 && make_factory("locals/x") < 0);
	CHECK(tree_has("trails/0/.pv/commitmsg") && tree_has("logs/0") && tree_has("disks/rev/0"));
	CHECK(renameat(at.root, keep, at.root, own) == 0);
	CHECK(make_factory("locals/x") == 0);
	tree_check_text("trails/0/.pvr/json", next.text);
	tree_check_text("trails/0/.pvr/config", "{\"ObjectsDir\":\"../../objects\"}");
	check_progress("0", "NEW");
	CHECK(!tree_has("trails/0/.pv/commitmsg") && !tree_has("trails/.new-0") &&
		!tree_has("trails/.dead-0"));
	CHECK(!tree_has("logs/0") && !tree_has("disks/rev/0") && tree_has("disks/perm/web/data/file"));
	CHECK(firmware_verify(at.root, "0", &err) == 0 && firmware_verify(at.root, "locals/x", &err) == 0);
	/* Nor one that is older than what this device has had. */
	tree_file("config/release", "5\n");
	options_mode = PV_SECUREBOOT_LENIENT;
	CHECK(make_factory("locals/x") < 0);
	CHECK_HAS(err.text, "this device has had 5");
	tree_unlink("config/release");
	running = 6;
	CHECK(make_factory("locals/x") < 0);
	CHECK_HAS(err.text, "this device has had 6");
	running = 0;
	options_mode = PV_SECUREBOOT_DISABLED;
	tree_unlink(own);
	CHECK(make_factory("locals/x") < 0 && tree_has("trails/0/.pvr/json") && !tree_has("trails/.new-0"));
	end();
}

static void test_a_try_that_did_not_come_up_is_recorded(void)
{
	begin();
	CHECK(firmware_send(at, &next, &err) == 0 && firmware_install(at, &next, "1", &err) == 0);
	CHECK(pv_publish_try(&publisher, "1", &err) == 0);
	CHECK(pv_resume_records(at, &env, "1", &err) == 0);
	check_progress("1", "NEW");
	CHECK(pv_resume_records(at, &env, "0", &err) == 0);
	check_progress("1", "ERROR");
	tree_check_text("trails/1/.pv/progress", "{\"progress\":100,\"retries\":0,\"status\":\"ERROR\","
						 "\"status-msg\":\"Unexpected rollback\"}");
	CHECK(pv_progress_note(at, "1", PV_PROGRESS_ERROR, "Status goal not reached", &err) == 0);
	CHECK(pv_resume_records(at, &env, "0", &err) == 0);
	CHECK(pv_publish_forget(&publisher, &err) == 0 && !*env.tried);
	CHECK(pv_resume_records(at, &env, "0", &err) == 0);
	check_progress("0", "DONE");
	end();
}

/* It was cut off before the boot loader was given it, or while it was tested without a boot. */
static void test_an_update_that_was_cut_off_is_recorded(void)
{
	static const enum pv_progress_status open[] = {PV_PROGRESS_INPROGRESS, PV_PROGRESS_TESTING};

	for (size_t i = 0; i < PV_COUNT(open); i++) {
		begin();
		CHECK(firmware_send(at, &next, &err) == 0 &&
			firmware_install(at, &next, "locals/x", &err) == 0);
		CHECK(pv_progress_note(at, "locals/x", open[i], "", &err) == 0);
		CHECK(pv_resume_records(at, &env, "locals/x", &err) == 0);
		check_progress("locals/x", pv_progress_name(open[i]));
		CHECK(pv_resume_records(at, &env, "0", &err) == 0);
		check_progress("locals/x", "ERROR");
		check_progress("0", "DONE");
		end();
	}
}

static void test_a_boot_removes_what_a_cut_left(void)
{
	cleanup_free char *part = NULL;

	begin();
	part = pv_fmt("objects/.part-%s", next.ids[FIRMWARE_ROOT]);
	tree_file("trails/.new-1/bsp/run.json", "x");
	tree_file("trails/locals/.new-x/a/b", "x");
	tree_file("trails/.dead-3/.pvr/json", "x");
	tree_file("logs/3/pantavisor/pantavisor.log", "x");
	tree_file("disks/rev/3/web/data", "x");
	tree_file("objects/.part-x", "x");
	tree_file(part, "half");
	/* One whose name is taken again is not touched. */
	tree_file("trails/.dead-0/x", "x");
	tree_file("disks/rev/0/web/data", "x");
	CHECK(pv_resume(at, &err) == 0);
	CHECK(!tree_has("trails/.new-1") && !tree_has("trails/locals/.new-x") &&
		!tree_has("trails/.dead-3"));
	CHECK(!tree_has("logs/3") && !tree_has("disks/rev/3") && !tree_has("objects/.part-x"));
	CHECK(tree_has(part) && !tree_has("trails/.dead-0") && tree_has("disks/rev/0/web/data"));
	CHECK(firmware_verify(at.root, "0", &err) == 0);
	end();
}

/* The factory writes none: nothing of it was tried. */
static void test_a_boot_completes_the_record_of_the_factory(void)
{
	begin();
	check_progress("0", "NEW");
	CHECK(pv_resume_records(at, &env, "0", &err) == 0);
	check_progress("0", "DONE");
	end();
}

static void test_nothing_is_collected_without_a_boot_environment(void)
{
	const struct pv_keep keep = {0};
	struct pv_collected collected;

	begin();
	tree_file("boot/grubenv", "");
	tree_file("boot/grubenv2", "");
	CHECK(pv_collect(at, PV_BOOTENV_GRUB, &keep, &collected, &err) < 0 && tree_has("trails/0"));
	CHECK_HAS(err.text, "nothing is removed");
	end();
}

static void test_the_folder_of_revisions_stays_small(void)
{
	begin();
	for (int i = 1; i < PV_TRAIL_REVISIONS; i++) {
		cleanup_free char *revision = pv_fmt("locals/r%d", i);

		CHECK(firmware_install(at, &old, revision, &err) == 0);
	}
	CHECK(refuses("locals/more", old.text, 0, "there are too many revisions: 24"));
	end();
}

int main(void)
{
	test_a_step_is_refused_before_anything_is_written();
	test_an_update_is_tried_committed_and_the_old_one_collected();
	test_a_revision_becomes_the_factory_one();
	test_a_try_that_did_not_come_up_is_recorded();
	test_an_update_that_was_cut_off_is_recorded();
	test_a_boot_removes_what_a_cut_left();
	test_a_boot_completes_the_record_of_the_factory();
	test_nothing_is_collected_without_a_boot_environment();
	test_the_folder_of_revisions_stays_small();
	return check_done();
}
