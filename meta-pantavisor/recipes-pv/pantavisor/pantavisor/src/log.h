/* SPDX-License-Identifier: MIT */
/*
 * One line is one event: "[uptime] level source: text". It goes to the console and, once storage is there,
 * to a file that is bounded: at PV_LOG_FILE_BYTES it becomes <file>.1 and a new one begins. Lines from
 * before are kept in memory and written then. Control characters in a text become "?": a name from a state
 * cannot forge a line.
 *
 * PID 1 must not wait for a storage that hangs. While its loop runs, lines are kept in memory, and a child
 * writes them, one at a time; those that do not fit meanwhile are lost, and the file has their number.
 */
#ifndef PV_LOG_H
#define PV_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

#define PV_LOG_FILE_BYTES (1024 * 1024)
#define PV_LOG_KEPT_BYTES (32 * 1024)
#define PV_LOG_LAST_BYTES 4096
#define PV_LOG_LINE_BYTES 1200
#define PV_LOG_PATH_BYTES 128

/* The numbers are those of PV_LOG_LEVEL. */
enum pv_log_level { PV_LOG_FATAL, PV_LOG_ERROR, PV_LOG_WARN, PV_LOG_INFO, PV_LOG_DEBUG };

void pv_log(enum pv_log_level level, const char *source, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void pv_log_set_level(int level);
/* In a child of PID 1, which may wait for the storage: what its parent keeps is its parent's, and so is the
 * size of the file. */
void pv_log_forked(void);
/* The path is kept, not copied. Without one there is no console. */
void pv_log_open_console(const char *path);
/* Lines that the console did not take yet are offered again; true if none is left. */
bool pv_log_flush(void);
/* As pv_log_flush, for at most that long. */
void pv_log_drain(int ms);
/* The file below the root of the storage, made as needed with its folders. */
void pv_log_open_file(int storage, const char *path);
void pv_log_close_file(void);
/* From now on nothing is written to the storage but by children that pv_log_write() starts. */
void pv_log_defer(void);
/* At each turn of the loop. */
void pv_log_write(void);
/* False if the child was not one of these. */
bool pv_log_reaped(pid_t pid, int wait_status);
/* Ends that: what is kept is written at once. */
void pv_log_write_rest(void);
/* The last whole lines, of this file alone and whether they were written or not. */
void pv_log_last(char *text, size_t room);

#define pv_error(source, ...) pv_log(PV_LOG_ERROR, source, __VA_ARGS__)
#define pv_warn(source, ...) pv_log(PV_LOG_WARN, source, __VA_ARGS__)
#define pv_info(source, ...) pv_log(PV_LOG_INFO, source, __VA_ARGS__)
#define pv_debug(source, ...) pv_log(PV_LOG_DEBUG, source, __VA_ARGS__)

#endif
