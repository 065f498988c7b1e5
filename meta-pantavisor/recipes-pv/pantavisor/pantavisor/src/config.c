/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cmdline.h"
#include "log.h"
#include "text.h"

enum type { TEXT, NUMBER, BOOLEAN, CHOICE };

struct key {
	const char *name;  /* in files */
	const char *alias; /* after pv_ on the command line, and in old files */
	enum type type;
	const char *initial;
	const char *detail; /* NUMBER: "low..high"; CHOICE: "a b c" */
	/* How a value must begin that the command line may set: "": any, NULL: not at all. */
	const char *cmdline;
	const char *doc;
};

static const struct key keys[PV_KEY_COUNT] = {
	[PV_BOOTLOADER_TYPE] = {"PV_BOOTLOADER_TYPE", "bootloader.type", CHOICE, "grub", "grub uboot", NULL,
		"Where the boot environment is: boot/grubenv or boot/uboot.txt."},
	[PV_LOG_LEVEL] = {"PV_LOG_LEVEL", "log.level", NUMBER, "3", "0..4", "",
		"0 fatal, 1 error, 2 warn, 3 info, 4 debug."},
	[PV_LOG_SERVER_OUTPUTS] = {"PV_LOG_SERVER_OUTPUTS", "log.server.outputs", CHOICE, "filetree",
		"filetree filetree,stdout.containers", NULL,
		"With stdout.containers the device's console has the lines of containers as well, "
		"each after its container's name; at most 8 KiB a second of all of them."},
	[PV_LXC_LOG_LEVEL] = {"PV_LXC_LOG_LEVEL", "lxc.log.level", NUMBER, "5", "0..8", "",
		"What LXC notes of a container, in its own numbers: 2 info, 4 warn, 5 error."},
	[PV_SECUREBOOT_CHECKSUM] = {"PV_SECUREBOOT_CHECKSUM", "secureboot.checksum", BOOLEAN, "1", "", NULL,
		"Read every object of the revision at boot and compare its sha256. In mode strict always."},
	[PV_SECUREBOOT_MODE] = {"PV_SECUREBOOT_MODE", "secureboot.mode", CHOICE, "strict",
		"disabled audit lenient strict", NULL,
		"disabled looks at no signature; audit reports what is wrong; lenient needs signatures to "
		"be "
		"right; "
		"strict needs every path to be signed as well."},
	[PV_SECUREBOOT_SET] = {"PV_SECUREBOOT_SET", "secureboot.set", BOOLEAN, "0", "", NULL,
		"1: a revision needs a set signature, so no part can be taken out or exchanged for that of "
		"another release."},
	[PV_SECUREBOOT_TRUSTSTORE] = {"PV_SECUREBOOT_TRUSTSTORE", "secureboot.truststore", TEXT,
		"ca-certificates", "", NULL, "The roots: /etc/pantavisor/pvs/trust/<name>.crt."},
	[PV_STORAGE_DEVICE] = {"PV_STORAGE_DEVICE", "storage.device", TEXT, "LABEL=root", "", "PARTUUID=",
		"The storage partition: PARTUUID=, LABEL= or UUID= (of an ext4 file system), or a path."},
	[PV_STORAGE_FSTYPE] = {"PV_STORAGE_FSTYPE", "storage.fstype", CHOICE, "ext4", "ext4", NULL,
		"Its file system."},
	[PV_STORAGE_GC_KEEP_FACTORY] = {"PV_STORAGE_GC_KEEP_FACTORY", "storage.gc.keep_factory", BOOLEAN,
		"1", "", NULL,
		"0: a collection removes revision 0 like any other that nothing needs. It is what is left "
		"when all others fail."},
	[PV_STORAGE_MNTPOINT] = {"PV_STORAGE_MNTPOINT", "storage.mntpoint", CHOICE, "/storage", "/storage",
		NULL, "Where it is mounted: nowhere else."},
	[PV_STORAGE_WAIT] = {"PV_STORAGE_WAIT", "storage.wait", NUMBER, "5", "0..600", "",
		"Seconds to wait for it."},
	[PV_UPDATER_COMMIT_DELAY] = {"PV_UPDATER_COMMIT_DELAY", "updater.commit.delay", NUMBER, "25",
		"0..86400", NULL, "Seconds that a tried revision must run well before it is committed."},
	[PV_UPDATER_GOALS_TIMEOUT] = {"PV_UPDATER_GOALS_TIMEOUT", "updater.goals.timeout", NUMBER, "120",
		"1..86400", NULL, "Seconds a group without a timeout of its own has to reach its goals."},
	[PV_WDT_MODE] = {"PV_WDT_MODE", "wdt.mode", CHOICE, "shutdown", "disabled shutdown startup always",
		NULL,
		"When the watchdog of the machine, if there is one, watches: never, from the order to end "
		"on, until the revision is up, always. What hangs in the kernel resets the device in any "
		"mode but disabled."},
	[PV_WDT_TIMEOUT] = {"PV_WDT_TIMEOUT", "wdt.timeout", NUMBER, "15", "5..3600", NULL,
		"Seconds that it waits before it resets the machine."},
};

void pv_config_init(struct pv_config *config)
{
	*config = (struct pv_config){0};
	for (int i = 0; i < PV_KEY_COUNT; i++)
		strcpy(config->value[i], keys[i].initial);
}

static bool in_range(const struct key *key, const char *value)
{
	char *end, *dots;
	long low = strtol(key->detail, &dots, 10), high = strtol(dots + 2, NULL, 10);
	long number = strtol(value, &end, 10);

	return *value && !*end && number >= low && number <= high;
}

static bool in_list(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; length && (at = strstr(at, word)); at++)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

static bool is_valid(const struct key *key, const char *value)
{
	switch (key->type) {
	case NUMBER:
		return in_range(key, value);
	case BOOLEAN:
		return !strcmp(value, "0") || !strcmp(value, "1");
	case CHOICE:
		return !strchr(value, ' ') && in_list(key->detail, value);
	case TEXT:
	default:
		return *value != '\0';
	}
}

static int set(struct pv_config *config, enum pv_key key, const char *value, enum pv_level level,
	struct pv_err *err)
{
	/* Empty is "not set": images write keys for which they have no value. */
	if (!*value)
		return 0;
	if (strlen(value) >= PV_CONFIG_VALUE_BYTES || !is_valid(&keys[key], value)) {
		pv_err_set(err, "%s cannot be \"%.60s\"", keys[key].name, value);
		if (*keys[key].detail)
			pv_err_hint(err, keys[key].type == CHOICE ? "use one of: %s" : "use %s",
				keys[key].detail);
		return -1;
	}
	strcpy(config->value[key], value);
	config->level[key] = level;
	return 0;
}

/* The key that a name means; PV_KEY_COUNT if none. `prefix` is what the command line has before old names.
 */
static enum pv_key find_key(const char *name, const char *prefix)
{
	int i;

	for (i = 0; i < PV_KEY_COUNT; i++)
		if (!strcmp(name, keys[i].name) ||
			(pv_starts_with(name, prefix) && !strcmp(name + strlen(prefix), keys[i].alias)))
			break;
	return (enum pv_key)i;
}

static int read_line(struct pv_config *config, char *line, struct pv_err *err)
{
	char *equals = strchr(line, '=');
	enum pv_key key;

	if (*line == '#' || !equals)
		return 0;
	*equals = '\0';
	key = find_key(line, "");
	return key == PV_KEY_COUNT ? 0 : set(config, key, equals + 1, PV_LEVEL_FILE, err);
}

int pv_config_read_file(struct pv_config *config, const char *text, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(text, strlen(text));
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		size_t length;

		line += strspn(line, " \t\r");
		length = strlen(line);
		while (length && isspace((unsigned char)line[length - 1]))
			line[--length] = '\0';
		if (read_line(config, line, err) < 0)
			return -1;
	}
	return 0;
}

static void take_word(struct pv_config *config, const char *name, const char *value)
{
	/* PV_ words outrank pv_ words, whatever their order. */
	enum pv_level level = isupper((unsigned char)*name) ? PV_LEVEL_ENV : PV_LEVEL_CMDLINE;
	enum pv_key key = find_key(name, "pv_");
	struct pv_err err;

	if (key == PV_KEY_COUNT || config->level[key] > level)
		return;
	/* The boot loader's own word comes first; nothing that is added after it overrides it. */
	if (key == PV_STORAGE_DEVICE && config->level[key] > PV_LEVEL_FILE)
		return;
	if (!keys[key].cmdline || !pv_starts_with(value, keys[key].cmdline))
		pv_warn("config", "the command line cannot set %s to \"%.60s\"", keys[key].name, value);
	else if (set(config, key, value, level, &err) < 0)
		pv_warn("config", "the command line: %s", err.text);
}

void pv_config_read_cmdline(struct pv_config *config, const char *text)
{
	cleanup_free char *copy = pv_dup(text, strlen(text));
	char *rest = copy, *name, *value;

	while ((name = pv_cmdline_next(&rest, &value)))
		take_word(config, name, value);
}

const char *pv_config_text(const struct pv_config *config, enum pv_key key)
{
	return config->value[key];
}

int pv_config_number(const struct pv_config *config, enum pv_key key)
{
	return (int)strtol(config->value[key], NULL, 10);
}

const char *pv_config_name(enum pv_key key)
{
	return keys[key].name;
}

void pv_config_doc(FILE *to)
{
	fputs("| key | command line | default | values | meaning |\n|---|---|---|---|---|\n", to);
	for (int i = 0; i < PV_KEY_COUNT; i++) {
		fprintf(to, "| `%s` | ", keys[i].name);
		if (keys[i].cmdline)
			fprintf(to, "`pv_%s=%s`", keys[i].alias, keys[i].cmdline);
		fprintf(to, " | `%s` | %s | %s |\n", keys[i].initial,
			keys[i].type == BOOLEAN ? "0, 1" : keys[i].detail, keys[i].doc);
	}
}
