#ifndef INIT_REDIS_MEET_H
#define INIT_REDIS_MEET_H

#include <stdbool.h>
#include <stdint.h>

#include "init/redis/observe.h"
#include "roles/redis_form.h"

/*
 * CLUSTER MEET trusts whatever answers: one address that changes hands merges two clusters. So both
 * sides prove their ids right before, over the connections that the steps then take, and a handshake
 * is watched until it is over: as soon as one side is not itself any more, the other one forgets it
 * (CLUSTER FORGET of the handshake's own random id, redis 7.0 cluster.c clusterCommand). Unwatched it
 * would go on for cluster-node-timeout. A proof is good for one second: a server whose own clock is more than
 * MEET_FRESH_MS past its proof when its MEET comes, because ordain or the network was stopped in between, refuses
 * it, and the proofs of a plan are no further apart than MEET_CONFIRM_MS. What is left is that second, and 0.1 s
 * until a server sends its MEET (clusterCron).
 */

#define MEET_FRESH_MS 500
#define MEET_CONFIRM_MS 500

/* Asks the members that MEMBERS marks for their ids once more, and leaves the mark of those that still
 * are who they were at the look. CLOCKS_MS, one a member: what time it is there, -1: not known. */
void meet_confirm(struct observer *observer, bool *members, int64_t *clocks_ms,
                  int64_t deadline_ns);

/* Notes the plan's MEETs (of member ONLY, -1: of all) between members that were confirmed. */
void meet_note(struct observer *observer, const struct form_plan *plan, int only,
               const bool *members);

/* After a look: takes back what must be, forgets what is over. */
void meet_review(struct observer *observer, int64_t deadline_ns);

/* Looks by itself until all noted handshakes are over; after a second one that is still under way
 * between two servers that are themselves is left to them. */
void meet_watch(struct observer *observer, int64_t deadline_ns);

#endif
