#ifndef INIT_REDIS_APPLY_H
#define INIT_REDIS_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "init/redis/observe.h"
#include "roles/redis_form.h"

/* Steps of a plan become commands; applying never decides. */

/*
 * Runs the plan's steps in one pipelined round, each on a server that has just said once more who it
 * is (meet.h). ONLY: index of the one member whose steps are run, -1 for all. *done counts the accepted
 * ones. A step that a server refuses is told in the debug log and tried again by the next look, for what it
 * was made of may have changed; a refused password is ERR_DENIED.
 */
bool apply_plan(struct observer *observer, const struct form_plan *plan, int only,
                int64_t deadline_ns, size_t *done, struct err *err);

/* A sentence for one step: "redis-3 (10.0.0.7): CLUSTER REPLICATE 07c37dfe". */
void apply_sentence(const struct observer *observer, const struct form_step *step,
                    char text[static 256]);

/* CONFIG GET and SET of cluster-node-timeout on every member that answered; values in milliseconds.
 * apply_read_timeouts fills members[i].node_timeout_ms, -1 where it is not told. */
void apply_read_timeouts(struct observer *observer, int64_t deadline_ns);
void apply_write_timeouts(struct observer *observer, const int64_t *timeouts_ms, size_t count,
                          int64_t deadline_ns);

#endif
