/* SPDX-License-Identifier: MIT */
/* The handlers of objects; for serve.c alone. */
#ifndef PV_SERVE_OBJECT_H
#define PV_SERVE_OBJECT_H

#include "serve.h"

void pv_serve_objects(struct pv_deal *deal);
void pv_serve_object_get(struct pv_deal *deal);
void pv_serve_object_head(struct pv_deal *deal);
void pv_serve_object_put(struct pv_deal *deal);

#endif
