/* SPDX-License-Identifier: MIT */
/*
 * Devices whose revisions fail, boot after boot, with a boot loader that chooses as grub.cfg does, one that
 * cannot note anything, U-Boot with our script, and one that knows pv_rev and pv_try alone: they come to
 * rest.
 */
#include "fault.h"

#define TREE_PLACE "/dev/shm" /* thousands of boots, and each write is made durable */
#include "commit.h"
#include "life.h"
#include "notes_at_once.h"

#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)
#define FACTORY_FATES 3 /* the first ones: it is never left */
#define BOOTS 60	/* more than any device of these takes */

enum loader { GRUB, GRUB_WITHOUT_NOTES, UBOOT, UBOOT_PUBLISHED, LOADERS };

/* What becomes of a revision at each boot. */
enum fate { FINE, UNUSABLE, LOST_SOON, LOST_LATER, LOST_EVER_OTHER, LATE_AND_LOST, FATES };

static const struct {
	int64_t lost_at[2]; /* at even boots, and at odd ones */
	bool is_late;
} fates[FATES] = {
	[LOST_SOON] = {{5 * SECOND, 5 * SECOND}, false},
	[LOST_LATER] = {{MINUTE, MINUTE}, false},
	[LOST_EVER_OTHER] = {{MINUTE, 3 * 60 * MINUTE}, false},
	[LATE_AND_LOST] = {{7 * MINUTE, 7 * MINUTE}, true},
};

struct device {
	enum loader loader;
	enum fate newest, before, factory; /* of revisions 7, 3 and 0 */
	int storage;
	unsigned long tried_of, count_of; /* the boot loader's notes */
	int count;
	int boots;
	char revision[PV_REVISION_BYTES + 1];
};

static enum pv_bootenv_kind kind_of(const struct device *of)
{
	return of->loader >= UBOOT ? PV_BOOTENV_UBOOT : PV_BOOTENV_GRUB;
}

static void choose_counting(struct device *of, const struct pv_bootenv *env)
{
	const char *previous = *env->previous ? env->previous : "0";
	cleanup_free char *notes = NULL;

	if (of->count_of != env->generation)
		of->count = 0;
	of->count_of = env->generation;
	strcpy(of->revision, of->count >= 3 ? previous : env->revision);
	if (of->count >= 6)
		strcpy(of->revision, "0");
	/* There is no revision 9. */
	if (*of->revision == '9')
		strcpy(of->revision, "0");
	of->count = of->count >= 9 ? 1 : of->count + 1;
	/* U-Boot counts where the runtime does not look. */
	if (of->loader == UBOOT)
		return;
	notes = pv_fmt(
		"# GRUB Environment Block\npv_fails=%lu:%.*s\n###", of->count_of, of->count, "xxxxxxxxx");
	tree_file("boot/grubtry", notes);
}

static void choose(struct device *of)
{
	struct pv_bootenv env;

	pv_bootenv_load(of->storage, kind_of(of), &env);
	CHECK(*env.revision);
	if (*env.tried && of->tried_of != env.generation && of->loader != GRUB_WITHOUT_NOTES) {
		of->tried_of = env.generation;
		strcpy(of->revision, env.tried);
	} else if (of->loader == GRUB || of->loader == UBOOT) {
		choose_counting(of, &env);
	} else {
		strcpy(of->revision, env.revision);
	}
}

static enum fate fate_of(const struct device *of)
{
	if (*of->revision == '7')
		return of->newest;
	return *of->revision == '3' ? of->before : of->factory;
}

static struct pv start(const struct device *of)
{
	struct pv pv = device(PV_STANDING_FACTORY);
	static char unusable[5];

	snprintf(unusable, sizeof(unusable), "9%s%s%s", of->newest == UNUSABLE ? "7" : "",
		of->before == UNUSABLE ? "3" : "", of->factory == UNUSABLE ? "0" : "");
	world.unusable = unusable;

	pv.run->revision = (char *)(uintptr_t)of->revision;
	pv.loader = kind_of(of);
	pv.storage = of->storage;
	pv.has_storage = true;
	pv_config_init(&pv.config);
	pv_commit_load(&pv, "");
	return pv;
}

/* Until a day is over, or the device begins anew. */
static bool live(struct pv *pv, int64_t lost_at)
{
	int64_t now = 1;

	while (now < DAY && !pv->end) {
		int64_t next = tick(pv, now);

		if (lost_at && now < lost_at && next >= lost_at) {
			next = lost_at;
			pv_supervise_reaped(pv, MONITOR, 1 << 8, now = lost_at);
			next = now + 1;
		}
		if (next == INT64_MAX)
			now = DAY;
		else
			now = next > now ? next : now + 1;
	}
	return !pv->end;
}

/* True where the device stays up, with containers or with a sentence. */
static bool boot(struct device *of)
{
	enum fate fate;
	struct pv pv;

	choose(of);
	fate = fate_of(of);
	pv = start(of);
	if (fate == UNUSABLE) {
		pv_fault(&pv, PV_OCCASION_UNUSABLE, "a test", "stays", 20 * SECOND);
		return !pv.end;
	}
	world.has_init = !fates[fate].is_late;
	return live(&pv, fates[fate].lost_at[of->boots % 2]);
}

/* Memory has no journal, and asking for a checkpoint there forks each time: thousands of times. */
static int checkpoint_memory(int root, enum pv_barrier why)
{
	(void)root;
	(void)why;
	return 0;
}

static void begin(struct device *of, const char *committed, const char *tried, const char *previous)
{
	struct pv_fsops door = pv_fsops_real;
	struct pv_bootenv env = {0};
	struct pv_err err;

	tree_begin();
	tree_folder("boot");
	of->storage = pv_beneath_root(tree_root, &err);
	strcpy(env.revision, committed);
	strcpy(env.tried, tried);
	strcpy(env.previous, previous);
	door.checkpoint = checkpoint_memory;
	CHECK(pv_bootenv_store((struct pv_storage){of->storage, &door}, kind_of(of), &env, &err) == 0);
}

static void end(const struct device *of)
{
	close(of->storage);
	tree_end();
}

/* Where it comes to rest; "" where it never does. */
static const char *rest(struct device *of)
{
	for (of->boots = 0; of->boots < BOOTS; of->boots++)
		if (boot(of))
			return of->revision;
	return "";
}

static void check_rest(struct device of, const char *tried, const char *previous)
{
	const char *where;

	begin(&of, "7", tried, previous);
	where = rest(&of);
	/* A device that has nothing left is the console's matter; one that has is never to begin anew for
	 * ever. */
	if (!*where && !(of.newest == UNUSABLE && of.factory == UNUSABLE)) {
		fprintf(stderr, "loader %d, fates %d %d %d, pv_try \"%s\", pv_prev \"%s\": begins anew\n",
			of.loader, of.newest, of.before, of.factory, tried, previous);
		check_failures++;
	}
	/* What runs well, of those that the boot loader can be given, is where it ends. */
	if (of.newest == FINE && !*tried)
		CHECK_TEXT(where, "7");
	else if (!*tried && of.before == FINE && !strcmp(previous, "3"))
		CHECK(!strcmp(where, "3") || (*where == '7' && of.newest == LATE_AND_LOST));
	end(&of);
}

static void test_every_device_comes_to_rest(void)
{
	static const struct {
		const char *tried, *previous;
	} environments[] = {{"", ""}, {"7", "3"}, {"0", "9"}};

	for (int i = 0; i < LOADERS * FATES * FATES * FACTORY_FATES; i++)
		for (size_t j = 0; j < PV_COUNT(environments); j++) {
			const struct device of = {.loader = (enum loader)(i % LOADERS),
				.newest = (enum fate)(i / LOADERS % FATES),
				.before = (enum fate)(i / LOADERS / FATES % FATES),
				.factory = (enum fate)(i / LOADERS / FATES / FATES)};

			check_rest(of, environments[j].tried, environments[j].previous);
		}
}

/* As after a factory reset. */
static void test_factory_revision_makes_way_for_the_one_before(void)
{
	static const enum fate failures[] = {UNUSABLE, LOST_SOON, LOST_LATER};

	for (size_t i = 0; i < LOADERS * PV_COUNT(failures); i++) {
		struct device of = {.loader = (enum loader)(i % LOADERS), .factory = failures[i / LOADERS]};

		begin(&of, "0", "", "3");
		CHECK_TEXT(rest(&of), "3");
		end(&of);
	}
}

/* Boots that were good are not counted against it, wherever that is done. */
static void test_revision_that_is_well_is_booted_for_ever(void)
{
	for (int loader = 0; loader < LOADERS; loader++) {
		struct device of = {.loader = (enum loader)loader};

		begin(&of, "7", "", "3");
		for (of.boots = 0; of.boots < 12; of.boots++) {
			CHECK(boot(&of));
			CHECK_TEXT(of.revision, "7");
		}
		end(&of);
	}
}

/* Two failures in a year do not count against a revision that runs. */
static void test_faults_that_a_boot_outlived_are_forgiven(void)
{
	struct device of = {.newest = LOST_LATER};
	struct pv_bootenv env;

	begin(&of, "7", "", "3");
	CHECK(!boot(&of) && !boot(&of));
	pv_bootenv_load(of.storage, PV_BOOTENV_GRUB, &env);
	CHECK(env.faults == 2 && env.longest_s == 60);
	of.newest = FINE;
	CHECK(boot(&of));
	pv_bootenv_load(of.storage, PV_BOOTENV_GRUB, &env);
	/* How long it took is kept, or short and long ones in turn would never add up. */
	CHECK(env.faults == 0 && env.longest_s == 60);
	CHECK_TEXT(env.revision, "7");
	end(&of);
}

/* A reboot that nothing counts could be one of a loop. */
static void test_device_that_cannot_note_a_fault_stays_up(void)
{
	struct device of = {.newest = LOST_LATER};

	begin(&of, "7", "", "3");
	CHECK(unlinkat(of.storage, "boot/grubenv", 0) == 0);
	tree_folder("boot/grubenv");
	CHECK(boot(&of));
	CHECK(unlinkat(of.storage, "boot/grubenv", AT_REMOVEDIR) == 0);
	end(&of);
}

int main(void)
{
	pv_log_set_level(-1);
	web.recovery.mode = PV_RECOVER_NO;
	web.restart = PV_RESTART_SYSTEM;
	test_every_device_comes_to_rest();
	test_factory_revision_makes_way_for_the_one_before();
	test_revision_that_is_well_is_booted_for_ever();
	test_faults_that_a_boot_outlived_are_forgiven();
	test_device_that_cannot_note_a_fault_stays_up();
	return check_done();
}
