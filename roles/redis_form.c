#include "roles/redis_form.h"

#include <string.h>

#include "roles/redis_form_steps.h"

const char *redis_form_sentence(enum form_reason reason)
{
    static const char *const sentences[FORM_REASONS] = {
        [FORM_IS_CONVERGED] = "the cluster is whole and every server sees the same",
        [FORM_IS_FOREIGN] = "a server that is not of this cluster answers under a pod's name",
        [FORM_IS_NOT_ORDAINS] =
            "the servers form a cluster that ordain did not make; --adopt takes it over",
        [FORM_HAS_KEYS] = "a server that belongs to no cluster holds keys or an old epoch",
        [FORM_LACKS_PODS] = "a birth needs every pod to answer first",
        [FORM_WAS_SEEDED] = "every server is empty, yet the register knows that this cluster was "
                            "born before: its volumes are lost; --accept-empty-shard begins anew",
        [FORM_NEEDS_REGISTER] =
            "these servers were not seeded by init and chose their own ids, which "
            "nothing remembers without a register: set ORDAIN_REGISTER, or "
            "--adopt for this run and every later one",
        [FORM_GIVES_BIRTH] = "empty servers get their epochs and slots",
        [FORM_BIRTH_ROLES] = "each replica meets and follows its master",
        [FORM_BIRTH_MEETS] = "every server meets every other",
        [FORM_HOLDER_AWAY] = "a master's volume is lost, and a pod that may hold its data has not "
                             "answered",
        [FORM_HOLDER_UNCLEAR] =
            "a master's volume is lost, and several replicas may hold its data; "
            "--promote-replica POD says which",
        [FORM_NO_HOLDER] = "a master's volume is lost and no replica holds its data; "
                           "--accept-empty-shard goes on without these keys",
        [FORM_PROMOTES] = "a master's volume is lost: the replica that holds its data is promoted",
        [FORM_ABANDONS] = "a lost shard's slots are dealt anew, empty, as was asked",
        [FORM_NO_OWNER] = "slots have no owner, and no server's table says whose they are: "
                          "--promote-replica POD names the pod that holds their keys",
        [FORM_MENDS] = "addresses, roles and strangers are mended",
        [FORM_TAKES_EFFECT] = "not every server sees the same yet",
    };
    return sentences[reason];
}

bool redis_form_is_birth(enum form_reason reason)
{
    return reason == FORM_GIVES_BIRTH || reason == FORM_BIRTH_ROLES || reason == FORM_BIRTH_MEETS;
}

static void conclude(struct form_plan *plan, enum form_verdict verdict, enum form_reason reason,
                     int about)
{
    plan->verdict = verdict;
    plan->reason = reason;
    plan->about = about;
}

/* --- birth of servers that were never seeded --- */

static bool is_birth_member(const struct form_wish *wish, const struct cluster_member *member)
{
    return member->ordinal >= wish->start && member->ordinal < wish->start + wish->replicas;
}

/*
 * A birth, perhaps half done: every birth pod answers and is ours; no key anywhere; each server owns
 * nothing or exactly its birth slots; nobody knows a node that is none of these servers.
 */
static bool is_birth(const struct cluster_picture *picture, const struct form_wish *wish,
                     int *missing)
{
    *missing = -1;
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        if (picture->claims[i] != CLAIM_OURS) {
            if (is_birth_member(wish, member) && *missing < 0)
                *missing = (int)i;
            continue;
        }
        const struct redis_node *self = cluster_member_self(member);
        if (member->info.keys > 0 || self->epoch > (uint64_t)wish->replicas ||
            member->info.cluster_ok) /* whole once, though it may have no key now */
            return false;
        int index = member->ordinal - wish->start;
        bool master = index < wish->masters;
        struct slot_range range = {0, 0};
        if (master)
            range = placement_slots(wish->masters, index);
        int due = master ? range.last - range.first + 1 : 0;
        if (self->slot_count != 0 &&
            (self->slot_count != due ||
             member->table.slot_owner[range.first] != member->table.myself))
            return false;
    }
    for (size_t i = 0; i < picture->count; i++)
        if (picture->nodes[i].member < 0)
            return false;
    return picture->slots_assigned < REDIS_SLOTS || !form_everybody_knows(picture);
}

static void birth_epochs_and_slots(const struct cluster_picture *picture,
                                   const struct form_wish *wish, struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        const struct redis_node *self = cluster_member_self(member);
        int index = member->ordinal - wish->start;
        if (self == NULL || !is_birth_member(wish, member))
            continue;
        if (self->epoch == 0 && member->table.count == 1 && (self->flags & REDIS_MASTER) != 0)
            form_add(plan, FORM_SET_EPOCH, (int)i)->number = index + 1;
        if (index < wish->masters && self->slot_count == 0)
            form_add(plan, FORM_ADD_SLOTS, (int)i)->range = placement_slots(wish->masters, index);
    }
}

/* A replica meets its own master alone and follows it before the wide MEET: in Redis a later REPLICATE
 * is not broadcast (facts: views agree 7-30 times sooner). */
static void birth_roles(const struct cluster_picture *picture, const struct form_wish *wish,
                        struct form_plan *plan)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        const struct redis_node *self = cluster_member_self(member);
        int index = member->ordinal - wish->start;
        if (self == NULL || !is_birth_member(wish, member) || index < wish->masters)
            continue;
        int master = cluster_picture_member(picture, wish->start + wish->master_of[index]);
        const char *master_id = picture->members[master].id;
        if (memcmp(self->master_id, master_id, REDIS_ID_LEN) == 0)
            continue;
        int row = redis_table_find(&member->table, master_id);
        if (row < 0)
            form_add(plan, FORM_MEET, (int)i)->target = master;
        else if ((member->table.nodes[row].flags & REDIS_HANDSHAKE) == 0)
            memcpy(form_add(plan, FORM_REPLICATE, (int)i)->id, master_id, REDIS_ID_LEN + 1);
        else
            plan->waiting = true;
    }
}

/* Three seeds meet everybody; gossip does the rest. */
static void birth_meets(const struct cluster_picture *picture, struct form_plan *plan)
{
    int seeds = 0;
    for (size_t i = 0; i < picture->member_count && seeds < 3; i++) {
        const struct cluster_member *seed = &picture->members[i];
        if (picture->claims[i] != CLAIM_OURS)
            continue;
        seeds++;
        for (size_t j = 0; j < picture->member_count; j++)
            if (j != i && picture->claims[j] == CLAIM_OURS &&
                redis_table_find(&seed->table, picture->members[j].id) < 0)
                form_add(plan, FORM_MEET, (int)i)->target = (int)j;
    }
}

static bool ids_are_births(const struct cluster_picture *picture)
{
    size_t i = 0;
    while (i < picture->member_count &&
           (picture->claims[i] != CLAIM_OURS ||
            strcmp(picture->members[i].id, picture->members[i].expected_id) == 0))
        i++;
    return i == picture->member_count;
}

static void decide_birth(const struct cluster_picture *picture, const struct form_wish *wish,
                         int missing, struct form_plan *plan)
{
    if (missing >= 0) {
        conclude(plan, FORM_WAIT, FORM_LACKS_PODS, missing);
        return;
    }
    if (wish->was_seeded && !wish->accept_empty_shard && !picture->has_cluster) {
        conclude(plan, FORM_REFUSE, FORM_WAS_SEEDED, -1);
        return;
    }
    if (!wish->knows_again && !ids_are_births(picture)) {
        conclude(plan, FORM_REFUSE, FORM_NEEDS_REGISTER, -1);
        return;
    }
    conclude(plan, FORM_WORK, FORM_GIVES_BIRTH, -1);
    birth_epochs_and_slots(picture, wish, plan);
    if (plan->count > 0)
        return;
    plan->reason = FORM_BIRTH_ROLES;
    birth_roles(picture, wish, plan);
    if (plan->count > 0 || plan->waiting) {
        plan->verdict = plan->count > 0 ? FORM_WORK : FORM_WAIT;
        return;
    }
    plan->reason = FORM_BIRTH_MEETS;
    birth_meets(picture, plan);
    if (plan->count == 0)
        conclude(plan, FORM_WAIT, FORM_TAKES_EFFECT, -1);
}

/* --- the whole decision --- */

/* A server of ours that knows nobody and is not newborn: its keys or epoch belong elsewhere. */
static int lone_with_past(const struct cluster_picture *picture)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        if (picture->claims[i] == CLAIM_OURS && member->table.count == 1 &&
            !cluster_member_is_newborn(member) && member->info.keys > 0)
            return (int)i;
    }
    return -1;
}

/* A cluster of our pods that ordain did not make: every pod has answered, none is ours and none announces
 * another pod's name. While one is missing, or says that it is another's, names may be out of date. */
static bool is_not_ordains(const struct cluster_picture *picture)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        bool named_else = member->announces && member->announced_ordinal != member->ordinal;
        if (picture->claims[i] != CLAIM_FOREIGN || named_else)
            return false;
    }
    return true;
}

void redis_form_decide(const struct cluster_picture *picture, const struct form_wish *wish,
                       struct form_plan *plan)
{
    plan->count = 0;
    plan->waiting = false;
    int about = -1;
    enum cluster_health health = cluster_picture_health(picture, &about);
    if (health == CLUSTER_CONVERGED && !form_has_dead(picture, wish)) {
        conclude(plan, FORM_CONVERGED, FORM_IS_CONVERGED, -1);
        return;
    }
    bool foreign = health == CLUSTER_FOREIGN;
    if (foreign && !picture->has_cluster) {
        enum form_reason reason = is_not_ordains(picture) ? FORM_IS_NOT_ORDAINS : FORM_IS_FOREIGN;
        conclude(plan, FORM_REFUSE, reason, about);
        return;
    }
    int missing = -1;
    bool birth = !foreign && is_birth(picture, wish, &missing);
    if (!picture->has_cluster || birth) {
        about = lone_with_past(picture);
        if (about >= 0)
            conclude(plan, FORM_REFUSE, FORM_HAS_KEYS, about);
        else
            decide_birth(picture, wish, missing, plan);
        return;
    }
    form_decide_repair(picture, wish, plan);
    /* A foreign server under one pod's name keeps no other pod from healing. */
    if (foreign && plan->count == 0)
        conclude(plan, FORM_REFUSE, FORM_IS_FOREIGN, about);
}
