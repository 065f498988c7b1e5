/* SPDX-License-Identifier: MIT */
/* The handlers of steps; for serve.c alone. */
#ifndef PV_SERVE_STEP_H
#define PV_SERVE_STEP_H

#include "serve.h"

void pv_serve_steps(struct pv_deal *deal);
void pv_serve_step_get(struct pv_deal *deal);
void pv_serve_step_put(struct pv_deal *deal);

#endif
