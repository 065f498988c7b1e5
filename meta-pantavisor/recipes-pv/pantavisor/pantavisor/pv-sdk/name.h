/* SPDX-License-Identifier: MIT */
/* Names of revisions that are made of their state: the same state has the same name. */
#ifndef PV_SDK_NAME_H
#define PV_SDK_NAME_H

#define OBJECT_ID_BYTES 64

#include <stdbool.h>

/* locals/<origin>-<16 hex digits>, to be freed. The device never lets one name stand for two states. */
char *state_name(const char *origin, const char *state);
/* 64 lowercase hex digits. */
bool is_object_id(const char *text);

#endif
