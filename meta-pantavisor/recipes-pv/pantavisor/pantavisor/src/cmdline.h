/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line, taken apart as the kernel does: a word ends at a blank outside of double
 * quotes, and what follows `--` is not for us. A word with a quote in it gives us nothing: the boot loader
 * writes none, and a value with blanks in it is how words are smuggled in.
 */
#ifndef PV_CMDLINE_H
#define PV_CMDLINE_H

/* The next `name=value` of *rest, which is changed; *value points after the `=`. NULL: there are no more.
 */
char *pv_cmdline_next(char **rest, char **value);
/* The value of the first word `name=value`; NULL if there is none. To be freed. */
char *pv_cmdline_get(const char *cmdline, const char *name);

#endif
