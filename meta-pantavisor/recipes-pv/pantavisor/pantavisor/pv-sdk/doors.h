/* SPDX-License-Identifier: MIT */
/* What is behind the door. Nothing is decided here: signatures are the device's to check. */
#ifndef PV_SDK_DOORS_H
#define PV_SDK_DOORS_H

#include "call.h"

/* Answers by the table of what is behind the door. */
void call_answer(struct call *call);

#endif
