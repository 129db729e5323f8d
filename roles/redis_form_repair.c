#include <string.h>

#include "roles/redis_form_steps.h"

/* --- addresses and links --- */

/* A server that announces an address which is not its own. */
static void mend_announced(const struct cluster_picture *picture, struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct redis_node *self = cluster_member_self(&picture->members[i]);
        if (picture->claims[i] == CLAIM_OURS && *self->ip != '\0' &&
            strcmp(self->ip, picture->members[i].ip) != 0)
            form_add(plan, FORM_ANNOUNCE, (int)i)->target = (int)i;
    }
}

/* TARGET answered, with its id, at its address: a row that says another one is stale, though its link be
 * "connected", which one that is being tried is too. */
static bool row_is_stale(const struct redis_node *row, const struct cluster_member *target)
{
    if ((row->flags & REDIS_HANDSHAKE) != 0)
        return false;
    if ((row->flags & REDIS_NOADDR) != 0 || *row->ip == '\0')
        return true;
    return strcmp(row->ip, target->ip) != 0;
}

/* A MEET to a known node gives it its new address (redis 7.0 cluster.c clusterProcessPacket). */
static void mend_addresses(const struct cluster_picture *picture, struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        if (picture->claims[i] != CLAIM_OURS)
            continue;
        const struct cluster_member *member = &picture->members[i];
        for (size_t j = 0; j < picture->member_count; j++) {
            if (j == i || picture->claims[j] != CLAIM_OURS)
                continue;
            int row = redis_table_find(&member->table, picture->members[j].id);
            if (row >= 0 && row_is_stale(&member->table.nodes[row], &picture->members[j]))
                form_add(plan, FORM_MEET, (int)i)->target = (int)j;
        }
    }
}

/* Redis below 8 (Valkey re-targets by itself) keeps syncing from its master's old address after gossip
 * gave the new one; the same REPLICATE again mends it at once (facts: 0.05 s). */
static void mend_links(const struct cluster_picture *picture, struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        const struct redis_node *self = cluster_member_self(member);
        if (picture->claims[i] != CLAIM_OURS || *self->master_id == '\0' ||
            member->info.master_link_up || !member->info.role_known || member->info.is_master)
            continue;
        int node = cluster_picture_find(picture, self->master_id);
        int master = node >= 0 ? picture->nodes[node].member : -1;
        int row = redis_table_find(&member->table, self->master_id);
        if (!form_is_ours(picture, master) || row < 0 ||
            strcmp(member->table.nodes[row].ip, picture->members[master].ip) != 0)
            continue;
        if (strcmp(member->info.master_host, picture->members[master].ip) != 0)
            memcpy(form_add(plan, FORM_REPLICATE, (int)i)->id, self->master_id, REDIS_ID_LEN + 1);
    }
}

/* --- strangers --- */

/* A server of ours has a row of it: gossip tells the others. Servers without slots that were forgotten together
 * know each other, and that counts for nothing: who has slots is the cluster. */
static bool is_known(const struct cluster_picture *picture, int member)
{
    bool by_any = false;
    bool owners = false;
    for (size_t i = 0; i < picture->member_count; i++) {
        if ((int)i == member || picture->claims[i] != CLAIM_OURS)
            continue;
        const struct cluster_member *other = &picture->members[i];
        bool owner = cluster_member_self(other)->slot_count > 0;
        bool knows = redis_table_find(&other->table, picture->members[member].id) >= 0;
        if (owner && knows)
            return true;
        owners = owners || owner;
        by_any = by_any || knows;
    }
    return by_any && (!owners || cluster_member_self(&picture->members[member])->slot_count > 0);
}

/* A server of ours that is part of the cluster. */
static int established(const struct cluster_picture *picture, int besides)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        if ((int)i != besides && picture->claims[i] == CLAIM_OURS && member->table.count > 1 &&
            is_known(picture, (int)i))
            return (int)i;
    }
    return -1;
}

/* Newborns, and servers of ours that know the cluster while nobody there knows them (their MEET was cut
 * short): Redis ignores whom it does not know. */
static void join_strangers(const struct cluster_picture *picture, struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        if (picture->claims[i] != CLAIM_OURS || is_known(picture, (int)i))
            continue;
        int seed = established(picture, (int)i);
        if (seed >= 0 && (member->table.count > 1 || cluster_member_is_newborn(member)))
            form_add(plan, FORM_MEET, (int)i)->target = seed;
    }
}

int redis_form_shard_owner(const struct cluster_picture *picture, const struct form_wish *wish,
                           int member)
{
    const struct cluster_member *pod = &picture->members[member];
    for (size_t i = 0; i < picture->count; i++) { /* what its former node followed */
        const struct cluster_node *former = &picture->nodes[i];
        if (former->ordinal != pod->ordinal || former->member >= 0 || *former->master_id == '\0')
            continue;
        int owner = cluster_picture_find(picture, former->master_id);
        if (owner >= 0 && picture->nodes[owner].slots > 0)
            return owner;
    }
    int index = pod->ordinal - wish->start;
    if (index < 0 || index >= wish->replicas)
        return -1;
    return picture->slot_owner[placement_slots(wish->masters, wish->master_of[index]).first];
}

/* A joined server without slots or master follows its shard's present owner, unless it is a pod beyond
 * the birth that never had a place. */
static void place_joined(const struct cluster_picture *picture, const struct form_wish *wish,
                         struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        const struct redis_node *self = cluster_member_self(member);
        if (picture->claims[i] != CLAIM_OURS || (self->flags & REDIS_MASTER) == 0 ||
            self->slot_count > 0 || member->table.count == 1 || member->info.keys > 0)
            continue;
        int node = cluster_picture_find(picture, self->id);
        int owner = redis_form_shard_owner(picture, wish, (int)i);
        if (owner < 0 || owner == node || !form_is_ours(picture, picture->nodes[owner].member))
            continue;
        int row = redis_table_find(&member->table, picture->nodes[owner].id);
        if (row >= 0 && (member->table.nodes[row].flags & (REDIS_HANDSHAKE | REDIS_REPLICA)) == 0)
            memcpy(form_add(plan, FORM_REPLICATE, (int)i)->id, picture->nodes[owner].id,
                   REDIS_ID_LEN + 1);
    }
}

/* --- the dead --- */

/* Pod MEMBER has its place: slots, a master, or none is due to it. Until then its former row tells
 * where it belongs. */
static bool has_place(const struct cluster_picture *picture, const struct form_wish *wish,
                      int member)
{
    const struct redis_node *self = cluster_member_self(&picture->members[member]);
    if (self->slot_count > 0 || *self->master_id != '\0')
        return true;
    return redis_form_shard_owner(picture, wish, member) < 0;
}

/* A dead id of which a server heard by gossip alone, which carries no host name, just before the others
 * forgot it: whose it was nobody can tell any more. */
static bool is_leftover(const struct cluster_picture *picture, const struct cluster_node *node)
{
    return node->member < 0 && node->ordinal < 0 && node->slots == 0 &&
           node->doubted == node->known_by && (size_t)node->known_by < picture->answered &&
           picture->answered == picture->member_count;
}

/* The pod of NODE, beyond the birth, has no name any more. */
static bool has_no_name(const struct cluster_picture *picture, const struct form_wish *wish,
                        const struct cluster_node *node)
{
    int index = node->ordinal - wish->start;
    bool of_birth = index >= 0 && index < wish->replicas;
    return node->member < 0 && node->ordinal >= 0 && !of_birth &&
           cluster_picture_member(picture, node->ordinal) < 0;
}

/* A pod beyond the birth that was scaled in: its name is gone, every server flags it failed, it owns
 * nothing, nobody follows it, and whom it followed is there. It may come back: then it joins again. */
static bool is_scaled_in(const struct cluster_picture *picture, const struct form_wish *wish,
                         const struct cluster_node *node)
{
    if (!wish->forgets_scaled_in || !has_no_name(picture, wish, node) || node->slots > 0 ||
        picture->answered != picture->member_count || node->failing != node->known_by)
        return false;
    for (size_t i = 0; i < picture->count; i++)
        if (memcmp(picture->nodes[i].master_id, node->id, REDIS_ID_LEN) == 0)
            return false;
    int owner = cluster_picture_find(picture, node->master_id);
    return *node->master_id == '\0' || (owner >= 0 && picture->nodes[owner].slots > 0 &&
                                        form_is_ours(picture, picture->nodes[owner].member));
}

static bool is_dead(const struct cluster_picture *picture, const struct form_wish *wish,
                    const struct cluster_node *node)
{
    if (is_leftover(picture, node))
        return true;
    if (!node->lost || node->slots > 0)
        return false;
    for (size_t i = 0; i < picture->count; i++)
        if (picture->nodes[i].member >= 0 &&
            memcmp(picture->nodes[i].master_id, node->id, REDIS_ID_LEN) == 0)
            return false;
    return has_place(picture, wish, cluster_picture_member(picture, node->ordinal));
}

bool form_has_dead(const struct cluster_picture *picture, const struct form_wish *wish)
{
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *node = &picture->nodes[i];
        bool going = wish->forgets_scaled_in && has_no_name(picture, wish, node);
        if (going || is_dead(picture, wish, node))
            return true;
    }
    return false;
}

/* Before anything is decided about lost shards, which waits for everybody who is known. */
static void forget_scaled_in(const struct cluster_picture *picture, const struct form_wish *wish,
                             struct form_plan *plan)
{
    for (size_t n = 0; n < picture->count; n++)
        if (is_scaled_in(picture, wish, &picture->nodes[n]))
            form_forget_everywhere(picture, plan, picture->nodes[n].id);
}

/* All servers forget within the 60 s for which each bans the id, else gossip brings it back. */
static void forget_dead(const struct cluster_picture *picture, const struct form_wish *wish,
                        struct form_plan *plan)
{
    for (size_t n = 0; n < picture->count; n++)
        if (is_dead(picture, wish, &picture->nodes[n]))
            form_forget_everywhere(picture, plan, picture->nodes[n].id);
}

/* --- epochs --- */

/* Every server gives NODE all slots that are its own. */
static bool is_undisputed(const struct cluster_picture *picture, int node)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct redis_table *table = &picture->members[i].table;
        for (int slot = 0; slot < REDIS_SLOTS; slot++) {
            if (picture->slot_owner[slot] != node)
                continue;
            int row = table->slot_owner[slot];
            if (row < 0 || strcmp(table->nodes[row].id, picture->nodes[node].id) != 0)
                return false;
        }
    }
    return true;
}

/* A foreign server at a pod's former address leaves its epoch in the pod's row (redis 7.0 cluster.c
 * clusterProcessPacket takes it before it compares ids), and an old nodes.conf has an old epoch: then a
 * master's own epoch is below what others believe, for ever. A new one settles it, where nobody disputes
 * its slots. */
static void mend_epochs(const struct cluster_picture *picture, struct form_plan *plan)
{
    if (!form_everybody_answered(picture))
        return;
    for (size_t n = 0; n < picture->count; n++) {
        const struct cluster_node *node = &picture->nodes[n];
        if (node->slots == 0 || !form_is_ours(picture, node->member))
            continue;
        const struct redis_node *self = cluster_member_self(&picture->members[node->member]);
        if (self->epoch < node->epoch && is_undisputed(picture, (int)n))
            form_add(plan, FORM_BUMP_EPOCH, node->member);
    }
}

void form_decide_repair(const struct cluster_picture *picture, const struct form_wish *wish,
                        struct form_plan *plan)
{
    plan->reason = FORM_MENDS;
    plan->about = -1;
    mend_announced(picture, plan);
    mend_addresses(picture, plan);
    mend_links(picture, plan);
    join_strangers(picture, plan);
    forget_scaled_in(picture, wish, plan);
    struct form_lost lost = form_decide_lost(picture, wish, plan);
    place_joined(picture, wish, plan);
    form_deal_unowned(picture, wish, plan);
    if (lost.verdict != FORM_CONVERGED) {
        plan->verdict = lost.verdict;
        plan->reason = lost.reason;
        plan->about = lost.about;
        return;
    }
    if (plan->count == 0)
        forget_dead(picture, wish, plan);
    if (plan->count == 0)
        mend_epochs(picture, plan);
    plan->verdict = FORM_WORK;
    if (plan->count == 0) {
        plan->verdict = FORM_WAIT;
        plan->reason = FORM_TAKES_EFFECT;
        bool unowned = cluster_picture_health(picture, &plan->about) == CLUSTER_SLOTS;
        if (unowned && form_everybody_answered(picture) && form_lacks_owner(picture)) {
            plan->verdict = FORM_REFUSE;
            plan->reason = FORM_NO_OWNER;
        }
    }
}
