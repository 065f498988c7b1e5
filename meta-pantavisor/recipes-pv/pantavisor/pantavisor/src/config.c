/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum type { TEXT, NUMBER, BOOLEAN, CHOICE };

struct key {
	const char *name;  /* in files and in the environment */
	const char *alias; /* after pv_ on the command line, and in old files */
	enum type type;
	const char *initial;
	const char *detail; /* NUMBER: "low..high"; CHOICE: "a b c" */
	bool locked;	    /* set by the file, it stays */
	const char *doc;
};

static const struct key keys[PV_KEY_COUNT] = {
	[PV_BOOTLOADER_TYPE] = {"PV_BOOTLOADER_TYPE", "bootloader.type", CHOICE, "grub", "grub uboot", false,
		"Where the boot environment is: boot/grubenv or boot/uboot.txt."},
	[PV_LOG_LEVEL] = {"PV_LOG_LEVEL", "log.level", NUMBER, "3", "0..4", false,
		"0 fatal, 1 error, 2 warn, 3 info, 4 debug."},
	[PV_LXC_LOG_LEVEL] = {"PV_LXC_LOG_LEVEL", "lxc.log.level", NUMBER, "5", "0..8", false,
		"What LXC notes of a container, in its own numbers: 2 info, 4 warn, 5 error."},
	[PV_SECUREBOOT_CHECKSUM] = {"PV_SECUREBOOT_CHECKSUM", "secureboot.checksum", BOOLEAN, "1", "", true,
		"Read every object of the revision at boot and compare its sha256."},
	[PV_SECUREBOOT_MODE] = {"PV_SECUREBOOT_MODE", "secureboot.mode", CHOICE, "lenient",
		"disabled audit lenient strict", true,
		"disabled looks at no signature; audit tells what is wrong; lenient wants signatures to be "
		"right; "
		"strict wants every path to be signed as well."},
	[PV_SECUREBOOT_TRUSTSTORE] = {"PV_SECUREBOOT_TRUSTSTORE", "secureboot.truststore", TEXT,
		"ca-certificates", "", true, "The roots: /etc/pantavisor/pvs/trust/<name>.crt."},
	[PV_STORAGE_DEVICE] = {"PV_STORAGE_DEVICE", "storage.device", TEXT, "LABEL=root", "", false,
		"The storage partition: LABEL=, UUID= (of an ext4 file system) or a path."},
	[PV_STORAGE_FSTYPE] = {"PV_STORAGE_FSTYPE", "storage.fstype", CHOICE, "ext4", "ext4", false,
		"Its file system."},
	[PV_STORAGE_MNTPOINT] = {"PV_STORAGE_MNTPOINT", "storage.mntpoint", TEXT, "/storage", "", false,
		"Where it is mounted."},
	[PV_STORAGE_WAIT] = {"PV_STORAGE_WAIT", "storage.wait", NUMBER, "5", "0..600", false,
		"Seconds to wait for it."},
	[PV_UPDATER_GOALS_TIMEOUT] = {"PV_UPDATER_GOALS_TIMEOUT", "updater.goals.timeout", NUMBER, "120",
		"1..86400", false, "Seconds a group without a timeout of its own has to reach its goals."},
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

static int set(
	struct pv_config *config, enum pv_key key, const char *value, enum pv_level level, struct pv_err *err)
{
	/* Empty is "not set": images write keys they have nothing to say about. */
	if (!*value)
		return 0;
	if (keys[key].locked && config->level[key] == PV_LEVEL_FILE && level > PV_LEVEL_FILE)
		return 0;
	if (strlen(value) >= PV_CONFIG_VALUE_BYTES || !is_valid(&keys[key], value)) {
		pv_err_set(err, "%s cannot be \"%.60s\"", keys[key].name, value);
		if (*keys[key].detail)
			pv_err_hint(err, "it takes %s", keys[key].detail);
		return -1;
	}
	strcpy(config->value[key], value);
	config->level[key] = level;
	return 0;
}

static int set_named(struct pv_config *config, const char *name, const char *value, enum pv_level level,
	struct pv_err *err)
{
	for (int i = 0; i < PV_KEY_COUNT; i++) {
		if (!strcmp(name, keys[i].name))
			return set(config, (enum pv_key)i, value, level, err);
		/* pv_<alias> on the command line, <alias> in old files. */
		if (level == PV_LEVEL_CMDLINE
				? pv_starts_with(name, "pv_") && !strcmp(name + 3, keys[i].alias)
				: level == PV_LEVEL_FILE && !strcmp(name, keys[i].alias))
			return set(config, (enum pv_key)i, value, level, err);
	}
	return 0;
}

static int read_assignment(struct pv_config *config, char *text, enum pv_level level, struct pv_err *err)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return 0;
	*equals = '\0';
	/* PV_ words outrank pv_ words, whatever their order. */
	if (level == PV_LEVEL_CMDLINE && isupper((unsigned char)*text))
		level = PV_LEVEL_ENV;
	return set_named(config, text, equals + 1, level, err);
}

static int read_parts(struct pv_config *config, const char *text, const char *separators, enum pv_level level,
	struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(text, strlen(text));
	char *rest = copy, *part;

	while ((part = strsep(&rest, separators))) {
		size_t length;

		part += strspn(part, " \t\r");
		length = strlen(part);
		while (length && isspace((unsigned char)part[length - 1]))
			part[--length] = '\0';
		if (*part != '#' && read_assignment(config, part, level, err) < 0)
			return -1;
	}
	return 0;
}

int pv_config_read_file(struct pv_config *config, const char *text, struct pv_err *err)
{
	return read_parts(config, text, "\n", PV_LEVEL_FILE, err);
}

int pv_config_read_cmdline(struct pv_config *config, const char *text, struct pv_err *err)
{
	return read_parts(config, text, " \n", PV_LEVEL_CMDLINE, err);
}

int pv_config_read_env(struct pv_config *config, const char *assignment, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(assignment, strlen(assignment));

	return read_assignment(config, copy, PV_LEVEL_ENV, err);
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
	for (int i = 0; i < PV_KEY_COUNT; i++)
		fprintf(to, "| `%s` | `pv_%s` | `%s` | %s | %s%s |\n", keys[i].name, keys[i].alias,
			keys[i].initial, keys[i].type == BOOLEAN ? "0, 1" : keys[i].detail, keys[i].doc,
			keys[i].locked ? " Set in the file, it stays." : "");
}

char *pv_cmdline_get(const char *cmdline, const char *name)
{
	cleanup_free char *copy = pv_dup(cmdline, strlen(cmdline));
	size_t length = strlen(name);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " \n")))
		if (!strncmp(word, name, length) && word[length] == '=')
			return pv_dup(word + length + 1, strlen(word + length + 1));
	return NULL;
}
