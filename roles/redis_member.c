#include "roles/redis_member.h"

#include <stddef.h>

const struct redis_node *cluster_member_self(const struct cluster_member *member)
{
    if (member->contact != MEMBER_ANSWERED || member->table.myself < 0)
        return NULL;
    return &member->table.nodes[member->table.myself];
}

bool cluster_member_is_newborn(const struct cluster_member *member)
{
    const struct redis_node *self = cluster_member_self(member);
    return self != NULL && member->table.count == 1 && self->slot_count == 0 &&
           member->info.keys == 0 && self->epoch == 0 && member->table.current_epoch == 0 &&
           member->info.current_epoch <= 0;
}
