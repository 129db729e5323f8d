#include <string.h>

#include "roles/redis_form_steps.h"

/* Slots without an owner: whose they are, by the others' word or a person's. */

/* How many answering masters with slots name NODE (by id) owner of SLOT in their own tables. */
static int namers(const struct cluster_picture *picture, const char *id, int slot)
{
    int count = 0;
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        const struct redis_node *self = cluster_member_self(member);
        if (picture->claims[i] != CLAIM_OURS || self->slot_count == 0)
            continue;
        int row = member->table.slot_owner[slot];
        count += row >= 0 && memcmp(member->table.nodes[row].id, id, REDIS_ID_LEN) == 0;
    }
    return count;
}

static int masters_with_slots(const struct cluster_picture *picture)
{
    int count = 0;
    for (size_t i = 0; i < picture->count; i++)
        count += picture->nodes[i].slots > 0;
    return count;
}

/* The pod that a person says holds the keys of its birth shard, whose slots nobody owns. */
static bool is_promised(const struct cluster_picture *picture, const struct form_wish *wish,
                        int member, int slot)
{
    int index = wish->promote_ordinal - wish->start;
    if (member < 0 || !form_is_ours(picture, member) || index < 0 || index >= wish->replicas ||
        !form_everybody_answered(picture))
        return false;
    struct slot_range range = placement_slots(wish->masters, wish->master_of[index]);
    return slot >= range.first && slot <= range.last && picture->slot_owner[slot] < 0;
}

/* Two servers follow each other, and nobody owns their shard: a volume from before a failover came back. */
bool form_has_circle(const struct cluster_picture *picture)
{
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *node = &picture->nodes[i];
        int master = *node->master_id != '\0' && form_is_ours(picture, node->member)
                         ? cluster_picture_find(picture, node->master_id)
                         : -1;
        if (master >= 0 && form_is_ours(picture, picture->nodes[master].member) &&
            strcmp(picture->nodes[master].master_id, node->id) == 0)
            return true;
    }
    return false;
}

/* The one of them that a person names becomes the master; its slots come next (heir). */
static void promote_promised(const struct cluster_picture *picture, const struct form_wish *wish,
                             struct form_plan *plan)
{
    int member =
        wish->promote_ordinal < 0 ? -1 : cluster_picture_member(picture, wish->promote_ordinal);
    bool promised = false;
    for (int slot = 0; slot < REDIS_SLOTS && !promised; slot++)
        promised = is_promised(picture, wish, member, slot);
    if (!promised)
        return;
    const struct redis_node *self = cluster_member_self(&picture->members[member]);
    int master = *self->master_id != '\0' ? cluster_picture_find(picture, self->master_id) : -1;
    bool ownerless = master >= 0 && picture->nodes[master].slots == 0;
    if ((self->flags & REDIS_REPLICA) != 0 && ownerless)
        form_add(plan, FORM_TAKEOVER, member);
}

/* Whom slot SLOT, which nobody claims, belongs to: the pod that the other masters still name, or,
 * after --accept-empty-shard, its birth master. -1: nobody yet. */
static int heir(const struct cluster_picture *picture, const struct form_wish *wish, int slot)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct redis_node *self = cluster_member_self(&picture->members[i]);
        if (picture->claims[i] != CLAIM_OURS || (self->flags & REDIS_MASTER) == 0)
            continue;
        if (namers(picture, self->id, slot) * 2 > masters_with_slots(picture) &&
            picture->members[i].table.slot_owner[slot] < 0)
            return (int)i;
    }
    int chosen =
        wish->promote_ordinal < 0 ? -1 : cluster_picture_member(picture, wish->promote_ordinal);
    const struct redis_node *promised = is_promised(picture, wish, chosen, slot)
                                            ? cluster_member_self(&picture->members[chosen])
                                            : NULL;
    if (promised != NULL && (promised->flags & REDIS_MASTER) != 0 && promised->slot_count == 0)
        return chosen;
    if (!wish->accept_empty_shard || !form_everybody_answered(picture))
        return -1;
    for (int index = 0; index < wish->masters; index++) {
        struct slot_range range = placement_slots(wish->masters, index);
        if (slot < range.first || slot > range.last)
            continue;
        int pod = cluster_picture_member(picture, wish->start + index);
        const struct redis_node *self =
            pod >= 0 ? cluster_member_self(&picture->members[pod]) : NULL;
        if (self != NULL && form_is_ours(picture, pod) && (self->flags & REDIS_MASTER) != 0 &&
            picture->members[pod].table.count > 1 &&
            picture->members[pod].table.slot_owner[slot] < 0)
            return pod;
    }
    return -1;
}

void form_deal_unowned(const struct cluster_picture *picture, const struct form_wish *wish,
                       struct form_plan *plan)
{
    promote_promised(picture, wish, plan);
    int last_heir = -1;
    struct form_step *step = NULL;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        if (picture->slot_owner[slot] >= 0) {
            step = NULL;
            continue;
        }
        int pod = heir(picture, wish, slot);
        if (step != NULL && pod == last_heir && pod >= 0) {
            step->range.last = (uint16_t)slot;
        } else if (pod >= 0) {
            /* Slots under epoch 0 would yield to whoever still has the old row. */
            if (cluster_member_self(&picture->members[pod])->epoch == 0 && pod != last_heir)
                form_add(plan, FORM_BUMP_EPOCH, pod);
            step = form_add(plan, FORM_ADD_SLOTS, pod);
            step->range = (struct slot_range){(uint16_t)slot, (uint16_t)slot};
        } else {
            step = NULL;
        }
        last_heir = pod;
    }
}
