#include "roles/redis_claim.h"

#include <string.h>

/* The members and what is known of them so far. */
struct claims {
    const struct cluster_member *members;
    size_t count;
    enum cluster_claim *of;
};

/* A row of ID for pod ORDINAL (or for no known pod) in some table that is ours. */
static bool vouched_for(const struct claims *claims, const char *id, int ordinal)
{
    for (size_t i = 0; i < claims->count; i++) {
        const struct cluster_member *member = &claims->members[i];
        if (claims->of[i] != CLAIM_OURS || memcmp(member->id, id, REDIS_ID_LEN) == 0)
            continue;
        int row = redis_table_find(&member->table, id);
        if (row >= 0 && (member->table.nodes[row].flags & REDIS_HANDSHAKE) == 0 &&
            (member->row_ordinal[row] == ordinal || member->row_ordinal[row] < 0))
            return true;
    }
    return false;
}

static bool has_expected_id(const struct cluster_member *member)
{
    return cluster_member_self(member) != NULL &&
           memcmp(member->id, member->expected_id, REDIS_ID_LEN) == 0;
}

static bool is_named_ours(const struct cluster_member *member)
{
    return cluster_member_self(member) != NULL && member->announces &&
           member->announced_ordinal == member->ordinal;
}

/* True when servers that are ours beyond doubt announce host names: then one of ours that is new does so
 * too, and at the address of one that does not a name may be out of date. */
static bool ours_announce(const struct claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        if (has_expected_id(&claims->members[i]) && claims->members[i].announces)
            return true;
    return false;
}

/* Empty, and in handshake with whom it does not know yet: whose it becomes will show. */
static bool is_meeting(const struct cluster_member *member)
{
    const struct redis_node *self = cluster_member_self(member);
    bool meeting = self->slot_count == 0 && self->epoch == 0 && member->info.keys == 0;
    for (size_t r = 0; r < member->table.count; r++) {
        bool itself = (int)r == member->table.myself;
        meeting = meeting && (itself || (member->table.nodes[r].flags & REDIS_HANDSHAKE) != 0);
    }
    return meeting && member->table.count > 1;
}

/* --adopt: of servers without host names those are one cluster that most of the others know. */
static bool is_known_by_majority(const struct claims *claims, size_t index)
{
    int others = 0;
    int knowing = 0;
    for (size_t i = 0; i < claims->count; i++) {
        if (i == index || cluster_member_self(&claims->members[i]) == NULL)
            continue;
        others++;
        knowing += redis_table_find(&claims->members[i].table, claims->members[index].id) >= 0;
    }
    return knowing * 2 > others;
}

static enum cluster_claim first_claim(const struct cluster_member *member, bool mute_is_ours,
                                      bool adopt, bool known_by_majority)
{
    if (cluster_member_self(member) == NULL)
        return CLAIM_UNKNOWN;
    bool named_ours = is_named_ours(member);
    if (has_expected_id(member))
        return CLAIM_OURS;
    if (cluster_member_is_newborn(member) && (named_ours || (!member->announces && mute_is_ours)))
        return CLAIM_OURS;
    if (adopt && (named_ours || (!member->announces && known_by_majority)))
        return CLAIM_OURS;
    if (is_meeting(member) && (named_ours || (!member->announces && mute_is_ours)))
        return CLAIM_UNKNOWN;
    return CLAIM_FOREIGN;
}

/* Killed between its MEET and the answer, a pod that joined anew knows the cluster, and nobody knows it.
 * Without slots and keys, under its pod's name, and knowing nobody else, it can be nothing but ours. */
static bool knows_only_ours(const struct claims *claims, const struct cluster_member *member)
{
    const struct redis_node *self = cluster_member_self(member);
    int known = 0;
    if (self->slot_count > 0 || member->info.keys > 0 || !is_named_ours(member))
        return false;
    for (size_t r = 0; r < member->table.count; r++) {
        const struct redis_node *row = &member->table.nodes[r];
        if ((int)r == member->table.myself || (row->flags & REDIS_HANDSHAKE) != 0)
            continue;
        bool ours = false;
        for (size_t i = 0; i < claims->count && !ours; i++)
            ours = claims->of[i] == CLAIM_OURS &&
                   redis_table_find(&claims->members[i].table, row->id) >= 0;
        if (!ours)
            return false;
        known++;
    }
    return known > 0;
}

/* Under its own pod's name, known by and knowing most of the others that are so too. */
static bool is_of_majority(const struct claims *claims, size_t index)
{
    const struct cluster_member *member = &claims->members[index];
    size_t friends = 1; /* itself */
    if (!is_named_ours(member) || cluster_member_is_newborn(member))
        return false;
    for (size_t i = 0; i < claims->count; i++) {
        const struct cluster_member *other = &claims->members[i];
        if (i != index && is_named_ours(other) &&
            redis_table_find(&other->table, member->id) >= 0 &&
            redis_table_find(&member->table, other->id) >= 0)
            friends++;
    }
    return friends * 2 > claims->count;
}

/* Once every pod has lost its volume no id is left of the birth. A pod that joins anew, whose own volume
 * says which node it is, knows nobody who could vouch for the others: then those are ours that stand under
 * their own pods' names and are most of the pods. Only where nothing better is known. */
static bool only_newborns_are_sure(const struct claims *claims)
{
    bool sure = false;
    for (size_t i = 0; i < claims->count; i++) {
        if (!has_expected_id(&claims->members[i]))
            continue;
        if (!cluster_member_is_newborn(&claims->members[i]))
            return false;
        sure = true;
    }
    return sure;
}

void redis_claim_members(const struct cluster_member *members, size_t count, enum cluster_claim *of,
                         bool adopt)
{
    const struct claims all = {members, count, of};
    const struct claims *claims = &all;
    bool mute_is_ours = !ours_announce(claims);
    bool majority_is_ours = only_newborns_are_sure(claims);
    for (size_t i = 0; i < claims->count; i++) {
        claims->of[i] = first_claim(&claims->members[i], mute_is_ours, adopt,
                                    adopt && is_known_by_majority(claims, i));
        if (majority_is_ours && is_of_majority(claims, i))
            claims->of[i] = CLAIM_OURS;
    }
    bool changed = true;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < claims->count; i++) {
            const struct cluster_member *member = &claims->members[i];
            if (claims->of[i] == CLAIM_FOREIGN &&
                (vouched_for(claims, member->id, member->ordinal) ||
                 knows_only_ours(claims, member))) {
                claims->of[i] = CLAIM_OURS;
                changed = true;
            }
        }
    }
}
