/* SPDX-License-Identifier: MIT */
/* A revision that a laptop posts. */
#ifndef PV_SDK_POST_H
#define PV_SDK_POST_H

#include "call.h"

/* {"commit-msg":"...","rev":"locals/<name>","state":{...}}: put, noted and run. The state goes on as it is
 * spelled. Without a local name it gets one made of its text. */
void take_revision(struct call *call);

#endif
