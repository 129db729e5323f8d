#include <string.h>

#include "roles/redis_form_steps.h"

/* A master whose volume is lost: who holds its data, and may it be promoted? */

/* Members that replicate NODE: the first, how many, and whether one may hide in silence. */
struct holders {
    int best;
    int count;
    bool unclear; /* several, and the offsets do not tell the newest */
    int away;     /* a member that has not answered and may replicate NODE, -1 */
};

/* Replicas of one master share its replication id; their offsets tell the newest. After a restart
 * from files the ids differ and tell nothing. */
static void weigh(struct holders *holders, const struct cluster_picture *picture, int member)
{
    const struct redis_info *info = &picture->members[member].info;
    holders->count++;
    if (holders->count == 1) {
        holders->best = member;
        return;
    }
    const struct redis_info *best = &picture->members[holders->best].info;
    if (*info->replid == '\0' || memcmp(best->replid, info->replid, sizeof(info->replid)) != 0)
        holders->unclear = true;
    else if (info->offset > best->offset)
        holders->best = member;
}

static struct holders find_holders(const struct cluster_picture *picture,
                                   const struct form_wish *wish, const struct cluster_node *node)
{
    struct holders holders = {.best = -1, .away = -1};
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *other = &picture->nodes[i];
        if (memcmp(other->master_id, node->id, REDIS_ID_LEN) != 0 || other->lost)
            continue;
        if (form_is_ours(picture, other->member))
            weigh(&holders, picture, other->member);
        else if (other->ordinal >= 0 && cluster_picture_member(picture, other->ordinal) >= 0)
            holders.away = cluster_picture_member(picture, other->ordinal);
    }
    int named =
        wish->promote_ordinal < 0 ? -1 : cluster_picture_member(picture, wish->promote_ordinal);
    bool own = wish->own_is_newest && wish->own_member >= 0;
    int chosen = own ? wish->own_member : named;
    const struct redis_node *self =
        chosen >= 0 ? cluster_member_self(&picture->members[chosen]) : NULL;
    if (self != NULL && memcmp(self->master_id, node->id, REDIS_ID_LEN) == 0) {
        holders.best = chosen;
        holders.unclear = false;
        holders.away = -1;
    }
    return holders;
}

/* Masters with slots that answer, against all of them: FORCE needs their majority. */
static bool has_majority(const struct cluster_picture *picture)
{
    int all = 0;
    int here = 0;
    for (size_t i = 0; i < picture->count; i++) {
        if (picture->nodes[i].slots == 0)
            continue;
        all++;
        here += form_is_ours(picture, picture->nodes[i].member);
    }
    return here > all / 2;
}

/* Slots of a lost shard that nobody holds go, empty, to the pod that lost them: the old id is
 * forgotten everywhere, then the pod claims them under a new epoch. */
static void abandon(const struct cluster_picture *picture, struct form_plan *plan,
                    const struct cluster_node *node)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        if (picture->claims[i] == CLAIM_OURS && redis_table_find(&member->table, node->id) >= 0)
            memcpy(form_add(plan, FORM_FORGET, (int)i)->id, node->id, REDIS_ID_LEN + 1);
    }
}

/* Returns true when a lost owner rules the verdict. */
static bool decide_lost_owner(const struct cluster_picture *picture, const struct form_wish *wish,
                              struct form_plan *plan, const struct cluster_node *node)
{
    struct holders holders = find_holders(picture, wish, node);
    int pod = cluster_picture_member(picture, node->ordinal);
    plan->about = pod;
    if (holders.away >= 0) {
        plan->verdict = FORM_WAIT;
        plan->reason = FORM_HOLDER_AWAY;
        plan->about = holders.away;
    } else if (holders.count == 0 && !form_everybody_answered(picture)) {
        plan->verdict = FORM_WAIT; /* who is away may hold it, whatever the others believe */
        plan->reason = FORM_NO_HOLDER;
    } else if (holders.count == 0 && !wish->accept_empty_shard) {
        plan->verdict = FORM_REFUSE;
        plan->reason = FORM_NO_HOLDER;
    } else if (holders.count == 0) {
        plan->verdict = FORM_WORK;
        plan->reason = FORM_ABANDONS;
        abandon(picture, plan, node);
    } else if (holders.unclear) {
        plan->verdict = FORM_REFUSE;
        plan->reason = FORM_HOLDER_UNCLEAR;
    } else {
        plan->verdict = FORM_WORK;
        plan->reason = FORM_PROMOTES;
        plan->about = holders.best;
        if (has_majority(picture))
            form_add(plan, FORM_PROMOTE, holders.best);
        else if (form_everybody_answered(picture))
            form_add(plan, FORM_TAKEOVER, holders.best);
        else
            plan->verdict = FORM_WAIT;
    }
    return true;
}

bool form_decide_lost(const struct cluster_picture *picture, const struct form_wish *wish,
                      struct form_plan *plan)
{
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *node = &picture->nodes[i];
        if (node->lost && node->slots > 0)
            return decide_lost_owner(picture, wish, plan, node);
    }
    return false;
}
