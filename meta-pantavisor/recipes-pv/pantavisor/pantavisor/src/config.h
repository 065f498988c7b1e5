/* SPDX-License-Identifier: MIT */
/*
 * What can be configured: one table of keys, each with a type, a default and a sentence. A value comes, later
 * over earlier, from the default, /etc/pantavisor.config, the kernel's command line as `pv_<alias>=`, and the
 * environment or the command line as `PV_<KEY>=`. A key of security that the file sets stays as it is: the
 * command line comes from places that no signature covers.
 */
#ifndef PV_CONFIG_H
#define PV_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "err.h"

#define PV_CONFIG_VALUE_BYTES 256
#define PV_CONFIG_TEXT_BYTES 65536

enum pv_key {
	PV_BOOTLOADER_TYPE,
	PV_LOG_LEVEL,
	PV_LXC_LOG_LEVEL,
	PV_SECUREBOOT_CHECKSUM,
	PV_SECUREBOOT_MODE,
	PV_SECUREBOOT_TRUSTSTORE,
	PV_STORAGE_DEVICE,
	PV_STORAGE_FSTYPE,
	PV_STORAGE_MNTPOINT,
	PV_STORAGE_WAIT,
	PV_UPDATER_GOALS_TIMEOUT,
	PV_KEY_COUNT
};

enum pv_level { PV_LEVEL_DEFAULT, PV_LEVEL_FILE, PV_LEVEL_CMDLINE, PV_LEVEL_ENV };

struct pv_config {
	char value[PV_KEY_COUNT][PV_CONFIG_VALUE_BYTES];
	enum pv_level level[PV_KEY_COUNT];
};

void pv_config_init(struct pv_config *config);
/* `KEY=value` lines; `#` begins a comment line; keys that the table does not have are passed over. */
int pv_config_read_file(struct pv_config *config, const char *text, struct pv_err *err);
/* /proc/cmdline. */
int pv_config_read_cmdline(struct pv_config *config, const char *text, struct pv_err *err);
/* One `NAME=value` of the environment. */
int pv_config_read_env(struct pv_config *config, const char *assignment, struct pv_err *err);

const char *pv_config_text(const struct pv_config *config, enum pv_key key);
int pv_config_number(const struct pv_config *config, enum pv_key key);
const char *pv_config_name(enum pv_key key);
/* The table as Markdown. */
void pv_config_doc(FILE *to);

/* A word of the command line, `name=value`; NULL if it is not there. To be freed. */
char *pv_cmdline_get(const char *cmdline, const char *name);

#endif
