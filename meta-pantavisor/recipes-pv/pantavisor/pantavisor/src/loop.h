/* SPDX-License-Identifier: MIT */
/*
 * Waiting, for PID 1: for a child that ended, for a signal that asks for something, or until a time. It is
 * one system call that needs no descriptor and no memory, so there is nothing that can be missing or run out.
 */
#ifndef PV_LOOP_H
#define PV_LOOP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#define PV_LOOP_FOREVER INT64_MAX

struct pv_loop {
	sigset_t asks, all; /* without and with SIGCHLD */
};

/* Blocks SIGCHLD and `count` signals that ask for something, for ever. */
void pv_loop_init(struct pv_loop *loop, const int *asks, size_t count);
/*
 * Waits until a signal comes or pv_now_ms() is `until`; 0 when nothing came. A signal that asks is returned
 * before a SIGCHLD that waits as well: a storm of children does not hide a request.
 */
int pv_loop_wait(const struct pv_loop *loop, int64_t until);

#endif
