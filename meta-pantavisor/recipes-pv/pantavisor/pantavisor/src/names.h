/* SPDX-License-Identifier: MIT */
/* Which names are legal. They become directories, mount options and lines of a log. */
#ifndef PV_NAMES_H
#define PV_NAMES_H

#include <stdbool.h>

#define PV_NAME_BYTES 64
#define PV_PATH_BYTES 1024
#define PV_SEGMENT_BYTES 255
#define PV_REVISION_BYTES 80
#define PV_REVISION_DIGITS 10

/* A container or a group: letters, digits, `.`, `_`, `-`; begins with a letter or digit. */
bool pv_name_is(const char *name);
/* As pv_name_is, and not one that the state keeps for itself. */
bool pv_name_is_container(const char *name);
/* A volume or a storage: one file name, without what mount options, mountinfo or lists give a meaning. */
bool pv_name_is_volume(const char *name);
/* A path of a state: relative, no empty segment, no `.` or `..`, no control character. */
bool pv_path_is(const char *path);
/* `0`, a number, or `locals/<name>`. */
bool pv_revision_is(const char *revision);

#endif
