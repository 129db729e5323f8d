#ifndef INIT_SYS_LOG_H
#define INIT_SYS_LOG_H

#include <stdbool.h>

/*
 * The log: one line an event, to stderr; stdout is for answers. Text is "LEVEL message", JSON is one
 * object with ts (RFC 3339, UTC), level, msg and pod. errno survives a call. Control characters of a
 * message are shown as \xNN, so that no peer's words can forge a line.
 */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* POD goes into each JSON line; NULL: none. Before this call the log is text at level info. */
void log_open(bool json, enum log_level lowest, const char *pod);
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * "Waiting for WHAT" while a wait lasts: the first call, each change of the sentence and then one
 * line each 10 s reach the log (on a terminal one line that is rewritten). log_wait_end ends the
 * wait; without a wait it does nothing.
 */
void log_wait(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_wait_end(void);

#endif
