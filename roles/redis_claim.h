#ifndef ROLES_REDIS_CLAIM_H
#define ROLES_REDIS_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#include "roles/redis_member.h"

/*
 * Which of the servers that answer under the pods' names are of this cluster: one wrong word here merges two
 * clusters. Ids of ordain's making are ours; so is whom one of ours knows; so on until nothing changes.
 */

enum cluster_claim {
    CLAIM_OURS,    /* of this cluster, or newborn and empty at our pod's address */
    CLAIM_FOREIGN, /* a server of something else answers under our pod's name */
    CLAIM_UNKNOWN, /* it has not answered, or is about to meet somebody */
};

/* Fills CLAIMS, one a member. ADOPT: servers that know each other are ours even though their ids are not of
 * ordain's making. */
void redis_claim_members(const struct cluster_member *members, size_t count,
                         enum cluster_claim *claims, bool adopt);

#endif
