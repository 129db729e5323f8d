#ifndef ROLES_REDIS_MEMBER_H
#define ROLES_REDIS_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "roles/redis_info.h"
#include "roles/redis_table.h"

/* One pod of the set, as one look at its server shows it. */

/* What one look at one pod gave. Only the last means that its facts are known; the first four prove
 * nothing. */
enum member_contact {
    MEMBER_NO_NAME, /* DNS has no address for its name now */
    MEMBER_SILENT,  /* no answer in time */
    MEMBER_NOBODY,  /* connection refused: no server listens there now */
    MEMBER_STRANGE, /* it answers, but not as Redis does, or TLS failed */
    MEMBER_DENIED,  /* it refuses our user or password */
    MEMBER_BUSY,    /* it is Redis and cannot answer yet: LOADING, BUSY */
    MEMBER_ANSWERED,
};

struct cluster_member {
    int ordinal;
    enum member_contact contact;
    char problem[128]; /* what a pod that did not answer said or met, "" */
    char ip[46];       /* as DNS gives it */
    int port;
    char expected_id[REDIS_ID_LEN + 1]; /* of its birth, or what its volume or the register says */
    /* from here on only where it answered */
    char id[REDIS_ID_LEN + 1];
    bool announces;        /* it announces a host name */
    int announced_ordinal; /* the ordinal that this name stands for, -1: none of ours */
    struct redis_info info;
    struct redis_table table;
    int *
        row_ordinal; /* for each row of table: the pod it stands for, by host name or expected id; -1 */
    char view[65];           /* digest of redis_table_view */
    int64_t node_timeout_ms; /* -1: not asked */
};

/* A member's own row, NULL when it did not answer. */
const struct redis_node *cluster_member_self(const struct cluster_member *member);
/* A server that knows nobody, owns no slot, holds no key and never took part: safe to MEET. */
bool cluster_member_is_newborn(const struct cluster_member *member);

#endif
