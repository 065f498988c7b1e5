/* SPDX-License-Identifier: MIT */
/* What PID 1 does for a caller of the control socket, and who may have it done. */
#ifndef PV_ORDER_H
#define PV_ORDER_H

#include "ctrlwire.h"
#include "pv.h"

/* Fills the reply but for its id. */
void pv_order_obey(struct pv *pv, const struct pv_ctrl_ask *ask, struct pv_ctrl_reply *reply, int64_t now);

#endif
