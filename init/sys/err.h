#ifndef INIT_SYS_ERR_H
#define INIT_SYS_ERR_H

#include <stdbool.h>

/*
 * Why a command could not do its work. The values are ordain's exit statuses, a contract with
 * podFailurePolicy (docs/exit-status.md); the numbers are sysexits.h's where it has one.
 */
enum err_kind {
    ERR_NO = 1,       /* the answer is no */
    ERR_USAGE = 64,   /* the command line cannot be understood */
    ERR_REFUSED = 65, /* data would be at risk: a person must decide */
    ERR_BUG = 70,     /* a promise between parts of ordain is broken */
    ERR_IO = 74,      /* local input or output: disk full, read-only, I/O error */
    ERR_LATER = 75,   /* not yet, a deadline that has passed included: try again */
    ERR_DENIED = 77,  /* not permitted: file rights, wrong password, RBAC */
    ERR_CONFIG = 78,  /* settings, secrets missing, templates */
};

/*
 * One failure: its kind, chosen where the failure is understood, and one sentence without a full
 * stop that names what failed first, the subject in quotes, the cause and, where there is one, the
 * setting that mends it. Never a secret. A struct err is written only on failure.
 */
struct err {
    enum err_kind kind;
    char message[1024];
};

/* Sets kind and message; returns false, so that a failure is one line at its place. A message too
 * long is cut. Control characters of the arguments are shown as '?'. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with the kind that fits the errno value NUMBER (EACCES, EPERM: denied; the rest: I/O)
 * and its text after a colon. */
bool err_errno(struct err *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts a context and ": " before the message; the kind stays. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
