#ifndef ROLES_REDIS_CLAIM_H
#define ROLES_REDIS_CLAIM_H

#include <stdbool.h>

#include "roles/redis_cluster.h"

/*
 * Which of the servers that answer under the pods' names are of this cluster (enum cluster_claim): one wrong
 * word here merges two clusters. Ids of ordain's making are ours; so is whom one of ours knows; so on
 * until nothing changes.
 */

/* Fills picture->claims. ADOPT: see cluster_picture_draw, which is who calls this. */
void redis_claim_members(struct cluster_picture *picture, bool adopt);

#endif
