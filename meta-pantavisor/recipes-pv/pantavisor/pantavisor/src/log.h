/* SPDX-License-Identifier: MIT */
/*
 * One line is one event: "[uptime] level source: text". It goes to the console and, once storage is there,
 * to a file that is bounded: at PV_LOG_FILE_BYTES it becomes <file>.1 and a new one begins. Lines from
 * before are kept in memory (PV_LOG_EARLY_BYTES) and written then. Control characters in a text become "?":
 * a name from a state cannot forge a line.
 */
#ifndef PV_LOG_H
#define PV_LOG_H

#include <stdbool.h>

#include "err.h"

#define PV_LOG_FILE_BYTES (1024 * 1024)
#define PV_LOG_EARLY_BYTES (16 * 1024)
#define PV_LOG_LINE_BYTES 1200

/* The numbers are those of PV_LOG_LEVEL. */
enum pv_log_level { PV_LOG_FATAL, PV_LOG_ERROR, PV_LOG_WARN, PV_LOG_INFO, PV_LOG_DEBUG };

void pv_log(enum pv_log_level level, const char *source, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void pv_log_set_level(int level);
/* In a child of PID 1: what waits for the console is its parent's, and so is the size of the file. */
void pv_log_forked(void);
/* The path is kept, not copied. Without one there is no console. */
void pv_log_open_console(const char *path);
/* Lines that the console did not take yet are offered again; true if none is left. */
bool pv_log_flush(void);
/* As pv_log_flush, for at most that long. */
void pv_log_drain(int ms);
/* `folder` is the log's to close from then on. */
int pv_log_open_file(int folder, const char *name, struct pv_err *err);
void pv_log_close_file(void);

#define pv_error(source, ...) pv_log(PV_LOG_ERROR, source, __VA_ARGS__)
#define pv_warn(source, ...) pv_log(PV_LOG_WARN, source, __VA_ARGS__)
#define pv_info(source, ...) pv_log(PV_LOG_INFO, source, __VA_ARGS__)
#define pv_debug(source, ...) pv_log(PV_LOG_DEBUG, source, __VA_ARGS__)

#endif
