#ifndef INIT_REDIS_FORM_TIMEOUT_H
#define INIT_REDIS_FORM_TIMEOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/redis/observe.h"

/*
 * While servers that run already are formed, their cluster-node-timeout is low: it rules how long a
 * master waits before it serves (min(max(timeout, 500), 5000) ms, redis 7.0 cluster.c
 * clusterUpdateState) and how often nodes ping. It is max(1000, 16 N) ms, for below that a big cluster's
 * handshakes expire, plus a mark by which a later run knows it, should this one be killed.
 */
struct form_timeouts {
    int64_t wished_ms; /* of the settings: what a left-over becomes */
    bool lowered, looked;
    int64_t until_ns;   /* low no longer */
    int64_t *before_ms; /* one a member, 0: not lowered */
    size_t count;
};

void form_timeouts_start(struct form_timeouts *timeouts, int64_t wished_ms);
/* Lowers it on every member that answers; once. */
void form_timeouts_lower(struct form_timeouts *timeouts, struct observer *observer,
                         int64_t deadline_ns);
/* Until every server has answered once: a value that a killed run left becomes the settings'. */
void form_timeouts_mend(struct form_timeouts *timeouts, struct observer *observer,
                        int64_t deadline_ns);
/* Gives back what was when forming takes long: on servers too slow for it a low timeout may be why. */
void form_timeouts_relent(struct form_timeouts *timeouts, struct observer *observer);
/* Gives back what was, also after the command's deadline; frees. */
void form_timeouts_restore(struct form_timeouts *timeouts, struct observer *observer);

#endif
