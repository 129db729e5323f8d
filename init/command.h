#ifndef INIT_COMMAND_H
#define INIT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "init/settings.h"
#include "init/sys/err.h"

/* One call of ordain, as a command sees it. */
struct invocation {
    const struct settings *settings;
    const char *engine;  /* "redis", "postgres", or "" for a command that takes none */
    int argc;            /* operands: what follows the flags, a "--" left out */
    char **argv;         /* argv[argc] is NULL */
    int64_t deadline_ns; /* of the whole command: its timeout counted from the program's start */
};

/* The commands, one bit each: a setting names the commands that know it. */
enum {
    COMMAND_INIT = 1 << 0,
    COMMAND_EXEC = 1 << 1,
    COMMAND_FORM = 1 << 2,
    COMMAND_PROBE = 1 << 3,
    COMMAND_PLAN = 1 << 4,
    COMMAND_STATUS = 1 << 5,
    COMMAND_ROLE = 1 << 6,
    COMMAND_PEERS = 1 << 7,
    COMMAND_RENDER = 1 << 8,
    COMMAND_PERMS = 1 << 9,
    COMMAND_INSTALL = 1 << 10,
    COMMAND_COMPLETION = 1 << 11,
    COMMAND_PROMOTE = 1 << 12,
};

/*
 * One row of the table of commands in commands.c; dispatch, help, completion and man page come from
 * it. run answers through *status (0 at the start; 1 for "no") and fails through ERR, whose kind is
 * the exit status then. It prints answers to stdout; main prints the error, once, and writes the
 * termination message where termination is set.
 */
struct command {
    const char *name;
    command_set bit;
    const char *engines;  /* space separated; "": takes none */
    const char *operands; /* as help shows them: "PATH...", "-- CMD ..."; "" : none */
    const char *summary;  /* one line */
    const char *about;    /* a paragraph for `ordain COMMAND --help` and the man page */
    int64_t timeout_ms;   /* default of the whole command */
    bool termination;     /* last words also go to the termination message */
    bool (*run)(const struct invocation *inv, int *status, struct err *err);
    bool operands_first; /* help shows the operands before the engine: plan init|form ENGINE */
};

/* One file a command; each of these is declared here and defined in its own file. */
bool command_init(const struct invocation *inv, int *status, struct err *err);
bool command_exec(const struct invocation *inv, int *status, struct err *err);
bool command_form(const struct invocation *inv, int *status, struct err *err);
bool command_probe(const struct invocation *inv, int *status, struct err *err);
bool command_plan(const struct invocation *inv, int *status, struct err *err);
bool command_status(const struct invocation *inv, int *status, struct err *err);
bool command_role(const struct invocation *inv, int *status, struct err *err);
bool command_peers(const struct invocation *inv, int *status, struct err *err);
bool command_render(const struct invocation *inv, int *status, struct err *err);
bool command_perms(const struct invocation *inv, int *status, struct err *err);
bool command_install(const struct invocation *inv, int *status, struct err *err);
bool command_promote(const struct invocation *inv, int *status, struct err *err);
bool command_completion(const struct invocation *inv, int *status, struct err *err);

/* The table: rows until a NULL name. */
extern const struct command commands[];
/* The row called NAME, NULL if there is none. */
const struct command *command_find(const char *name);

#endif
