/* SPDX-License-Identifier: MIT */
/*
 * What can be configured: one table of keys, each with a type, a default and a sentence. A value comes,
 * later over earlier, from the default, /etc/pantavisor.config, and the kernel's command line as
 * `pv_<alias>=` or `PV_<KEY>=`. The command line comes from places that no signature covers, so it changes
 * a short list of keys and no others: how much is logged, how long to wait, and which partition, by its
 * unique number, is the storage.
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
	PV_LOG_SERVER_OUTPUTS,
	PV_LXC_LOG_LEVEL,
	PV_SECUREBOOT_CHECKSUM,
	PV_SECUREBOOT_MODE,
	PV_SECUREBOOT_SET,
	PV_SECUREBOOT_TRUSTSTORE,
	PV_STORAGE_DEVICE,
	PV_STORAGE_FSTYPE,
	PV_STORAGE_GC_KEEP_FACTORY,
	PV_STORAGE_MNTPOINT,
	PV_STORAGE_WAIT,
	PV_UPDATER_COMMIT_DELAY,
	PV_UPDATER_GOALS_TIMEOUT,
	PV_WDT_MODE,
	PV_WDT_TIMEOUT,
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
/* /proc/cmdline; what is wrong in it is logged, and no reason to stop. */
void pv_config_read_cmdline(struct pv_config *config, const char *text);

const char *pv_config_text(const struct pv_config *config, enum pv_key key);
int pv_config_number(const struct pv_config *config, enum pv_key key);
const char *pv_config_name(enum pv_key key);
/* The table as Markdown. */
void pv_config_doc(FILE *to);

#endif
