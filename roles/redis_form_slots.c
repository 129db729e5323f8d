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

/* No server's table gives SLOT to anybody. */
static bool is_nobodys(const struct cluster_picture *picture, int slot)
{
    bool named = picture->slot_owner[slot] >= 0;
    for (size_t i = 0; i < picture->member_count; i++)
        named = named || (picture->claims[i] == CLAIM_OURS &&
                          picture->members[i].table.slot_owner[slot] >= 0);
    return !named;
}

/* Node INDEX follows one that follows it, and both answer: a volume from before a failover came back. */
static bool is_in_circle(const struct cluster_picture *picture, size_t index)
{
    const struct cluster_node *node = &picture->nodes[index];
    if (*node->master_id == '\0' || !form_is_ours(picture, node->member))
        return false;
    int master = cluster_picture_find(picture, node->master_id);
    return master >= 0 && form_is_ours(picture, picture->nodes[master].member) &&
           strcmp(picture->nodes[master].master_id, node->id) == 0;
}

bool form_lacks_owner(const struct cluster_picture *picture)
{
    bool circle = false;
    for (size_t i = 0; i < picture->count; i++)
        circle = circle || is_in_circle(picture, i);
    for (int slot = 0; slot < REDIS_SLOTS && circle; slot++)
        if (is_nobodys(picture, slot))
            return true;
    return false;
}

/* What a person promises by naming a pod: that it holds the keys of slots that are nobody's. Of all of them,
 * or while another shard may be meant too, of its birth's. */
struct promise {
    int member; /* -1: none */
    struct slot_range range;
};

/* A server other than MEMBER and its replicas that has keys, and slots neither itself nor by its master. */
static bool may_be_meant(const struct cluster_picture *picture, int other, int member)
{
    const struct redis_node *self = cluster_member_self(&picture->members[other]);
    const char *chosen_id = picture->members[member].id;
    if (other == member || picture->claims[other] != CLAIM_OURS || self->slot_count > 0 ||
        picture->members[other].info.keys == 0 || strcmp(self->master_id, chosen_id) == 0)
        return false;
    int master = cluster_picture_find(picture, self->master_id);
    return master < 0 || picture->nodes[master].slots == 0;
}

static struct promise read_promise(const struct cluster_picture *picture,
                                   const struct form_wish *wish)
{
    static const struct promise no_promise = {.member = -1};
    struct promise promise = {
        form_chosen(picture, wish), {0, REDIS_SLOTS - 1}
    };
    if (promise.member < 0 || !form_everybody_answered(picture))
        return no_promise;
    const struct redis_node *self = cluster_member_self(&picture->members[promise.member]);
    int master = cluster_picture_find(picture, self->master_id);
    bool of_lost = master >= 0 && picture->nodes[master].slots > 0;
    for (size_t i = 0; i < picture->count; i++)
        of_lost = of_lost || (picture->nodes[i].lost && picture->nodes[i].slots > 0);
    if (of_lost) /* a lost master's keys are meant (redis_form_lost.c) */
        return no_promise;
    bool others = false;
    for (size_t i = 0; i < picture->member_count; i++)
        others = others || (may_be_meant(picture, (int)i, promise.member) &&
                            strcmp(self->master_id, picture->members[i].id) != 0);
    if (!others)
        return promise;
    int index = wish->promote_ordinal - wish->start;
    if (self->slot_count > 0 || index < 0 || index >= wish->replicas)
        return no_promise;
    promise.range = placement_slots(wish->masters, wish->master_of[index]);
    return promise;
}

static bool is_promised(const struct cluster_picture *picture, const struct promise *promise,
                        int slot)
{
    return promise->member >= 0 && slot >= promise->range.first && slot <= promise->range.last &&
           is_nobodys(picture, slot);
}

/* A promised pod that follows one without slots becomes the master; its slots come next (heir). */
static void promote_promised(const struct cluster_picture *picture, const struct promise *promise,
                             struct form_plan *plan)
{
    bool promised = false;
    for (int slot = 0; slot < REDIS_SLOTS && !promised; slot++)
        promised = is_promised(picture, promise, slot);
    if (!promised)
        return;
    const struct redis_node *self = cluster_member_self(&picture->members[promise->member]);
    int master = cluster_picture_find(picture, self->master_id);
    if (master >= 0 && picture->nodes[master].slots == 0)
        form_add(plan, FORM_TAKEOVER, promise->member);
}

/* Whom slot SLOT, which nobody claims, belongs to: the pod that the other masters still name, or,
 * after --accept-empty-shard, its birth master. -1: nobody yet. */
static int heir(const struct cluster_picture *picture, const struct form_wish *wish,
                const struct promise *promise, int slot)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct redis_node *self = cluster_member_self(&picture->members[i]);
        if (picture->claims[i] != CLAIM_OURS || (self->flags & REDIS_MASTER) == 0)
            continue;
        if (namers(picture, self->id, slot) * 2 > masters_with_slots(picture) &&
            picture->members[i].table.slot_owner[slot] < 0)
            return (int)i;
    }
    if (is_promised(picture, promise, slot) &&
        (cluster_member_self(&picture->members[promise->member])->flags & REDIS_MASTER) != 0)
        return promise->member;
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
    const struct promise promise = read_promise(picture, wish);
    promote_promised(picture, &promise, plan);
    int last_heir = -1;
    struct form_step *step = NULL;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        if (picture->slot_owner[slot] >= 0) {
            step = NULL;
            continue;
        }
        int pod = heir(picture, wish, &promise, slot);
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
