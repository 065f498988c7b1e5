/* SPDX-License-Identifier: MIT */
#ifndef PV_JSON_STRING_H
#define PV_JSON_STRING_H

#include "json_reader.h"

/* From the opening quote; the decoded text goes to the document's pool. */
int pv_json_read_string(struct reader *r, uint32_t *value, uint32_t *value_length);

#endif
