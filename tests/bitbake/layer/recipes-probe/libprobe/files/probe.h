/* SPDX-License-Identifier: MIT */
int probe_answer(void);
