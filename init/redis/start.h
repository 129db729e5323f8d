#ifndef INIT_REDIS_START_H
#define INIT_REDIS_START_H

#include <stdbool.h>
#include <stdint.h>

#include "init/settings.h"
#include "init/sys/buf.h"
#include "init/sys/err.h"
#include "roles/redis_start.h"

/* The part of `init`, `exec` and `plan init` that they share: look at the volume and the peers, decide by
 * roles/redis_start.h, make nodes.conf and configuration so. It needs no privilege. */

struct start_result {
    struct start_decision decision;
    bool work;         /* nodes.conf or configuration is (or was) not as it shall be */
    size_t changed;    /* files written; DRY: files of the configuration that would be */
    const char *role;  /* "master" or "replica" */
    struct buf report; /* DRY: facts, decision, reason and steps as text; the caller frees it */
};

/*
 * Decides and applies; DRY only tells. FINAL (exec): no server has started on this volume until now and
 * one will: the mark says so from here on. Killed anywhere, a second run finishes. Kinds: ERR_REFUSED
 * and ERR_LATER with the decision's sentence; what its parts tell.
 */
bool start_redis(const struct settings *settings, bool dry, bool final, int64_t deadline_ns,
                 struct start_result *result, struct err *err);

#endif
