/* SPDX-License-Identifier: MIT */
/*
 * One error, described from the bottom up: the function that fails describes what happened, callers put
 * their context in front. A function that takes a struct pv_err returns 0 or a negative number and leaves
 * it alone on success.
 */
#ifndef PV_ERR_H
#define PV_ERR_H

#define PV_ERR_TEXT_BYTES 768
#define PV_ERR_HINT_BYTES 256

struct pv_err {
	char text[PV_ERR_TEXT_BYTES];
	char hint[PV_ERR_HINT_BYTES];
};

/* All return -1, so that "return pv_err_set(...)" reads well. */
int pv_err_set(struct pv_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As pv_err_set, with ": <what errno means>" after it. */
int pv_err_errno(struct pv_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<context>: " in front of what is there. */
int pv_err_wrap(struct pv_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What to do about it. */
void pv_err_hint(struct pv_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
