#ifndef INIT_SYS_LOG_H
#define INIT_SYS_LOG_H

#include <stdbool.h>

/*
 * The log: one line an event, to stderr; stdout is for answers. Text is "LEVEL: message" (debug,
 * info, warning, error), JSON is one object with ts (RFC 3339, UTC), level, msg and pod. errno
 * survives a call. Control characters of a message are shown as \xNN (in JSON escaped), so that no
 * peer's words can forge a line; bytes that are no UTF-8 become U+FFFD in JSON.
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

/* The error that ends the program, for main alone: text "ordain: MESSAGE", JSON at level error. */
void log_failure(const char *message);
/* The last sentence logged at level info or above, whether it was shown or not; "" if none: what a
 * termination message tells of a success. */
const char *log_last(void);
/* True when the log goes to a terminal as text, so that a line may be rewritten. */
bool log_on_terminal(void);
/* On a terminal: shows TEXT as the one rewritten line at the bottom, "" takes it away. */
void log_status_line(const char *text);

#endif
