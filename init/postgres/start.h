#ifndef INIT_POSTGRES_START_H
#define INIT_POSTGRES_START_H

#include <stdbool.h>
#include <stdint.h>

#include "init/settings.h"
#include "init/sys/buf.h"
#include "init/sys/err.h"
#include "roles/postgres_start.h"

/* The part of `init`, `exec` and `plan init` that they share for Postgres: look at PGDATA, the register and
 * the named primary, decide by roles/postgres_start.h, make data directory and configuration so. It needs
 * no privilege. */

struct pg_start_result {
    struct pg_start_decision decision;
    bool work;         /* data directory or configuration is (or was) not as it shall be */
    bool left_to_exec; /* init: the pod that is waited for cannot exist before this one is ready */
    size_t changed;    /* files of the configuration written; DRY: that would be */
    const char *role;  /* "primary" or "standby"; "" where it is left to exec */
    struct buf report; /* DRY: facts, decision, reason and steps as text; the caller frees it */
};

/*
 * Decides and applies; DRY only tells, and does not wait. FINAL (exec): the server starts next, whatever
 * has to be waited for is waited for here. The time of a clone is not bounded by DEADLINE_NS, only its
 * silence is. Killed anywhere, a second run finishes. Kinds: ERR_REFUSED and ERR_LATER with the
 * decision's sentence; what its parts tell.
 */
bool start_postgres(const struct settings *settings, bool dry, bool final, int64_t deadline_ns,
                    struct pg_start_result *result, struct err *err);

#endif
