#include <string.h>

#include "roles/redis_form_steps.h"

/* A master whose volume is lost: who holds its data, and may it be promoted? */

/* Members that replicate NODE: the first, how many, and whether one may hide in silence. */
struct holders {
    int best;
    int count;
    int empty;    /* a member that replicates NODE and shows no sign of its data, -1 */
    bool unclear; /* several, and the offsets do not tell the newest */
    bool is_away; /* a pod that has not answered replicates NODE */
    int away;     /* its member, -1 where no such pod is known */
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

/* It has keys, or a place in its master's stream of writes. A replica that never synced has neither, nor
 * has one of an empty shard after a restart: of these only their own volumes know which is which. */
static bool shows_data(const struct cluster_member *member, const struct form_wish *wish,
                       const struct cluster_node *master)
{
    bool synced = member->ordinal == wish->synced_ordinal &&
                  memcmp(wish->synced_to, master->id, REDIS_ID_LEN) == 0;
    return member->info.keys != 0 || member->info.offset > 0 || synced;
}

static struct holders find_holders(const struct cluster_picture *picture,
                                   const struct form_wish *wish, const struct cluster_node *node)
{
    struct holders holders = {.best = -1, .empty = -1, .away = -1};
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *other = &picture->nodes[i];
        if (memcmp(other->master_id, node->id, REDIS_ID_LEN) != 0 || other->lost)
            continue;
        if (form_is_ours(picture, other->member)) {
            const struct cluster_member *member = &picture->members[other->member];
            if (member->info
                    .master_sync_in_progress) { /* what it has will show when the sync ends */
                holders.is_away = true;
                holders.away = other->member;
            } else if (shows_data(member, wish, node)) {
                weigh(&holders, picture, other->member);
            } else {
                holders.empty = other->member;
            }
        } else {
            int pod = other->ordinal >= 0 ? cluster_picture_member(picture, other->ordinal) : -1;
            if (other->ordinal < 0 && wish->accept_empty_shard && form_everybody_answered(picture))
                continue; /* no pod's name: whom a person gives up is not waited for */
            holders.is_away = true;
            if (pod >= 0) /* who can be waited for is told first */
                holders.away = pod;
        }
    }
    int chosen = form_chosen(picture, wish);
    const struct redis_node *self =
        chosen >= 0 ? cluster_member_self(&picture->members[chosen]) : NULL;
    if (self != NULL && memcmp(self->master_id, node->id, REDIS_ID_LEN) == 0) {
        holders.best = chosen;
        holders.count = 1;
        holders.unclear = false;
        holders.is_away = false;
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

static void promote(const struct cluster_picture *picture, struct form_plan *plan,
                    struct form_lost *lost, int holder)
{
    lost->reason = FORM_PROMOTES;
    lost->about = holder;
    if (has_majority(picture))
        form_add(plan, FORM_PROMOTE, holder);
    else if (form_everybody_answered(picture))
        form_add(plan, FORM_TAKEOVER, holder);
    else
        lost->verdict = FORM_WAIT;
}

static struct form_lost decide_lost_owner(const struct cluster_picture *picture,
                                          const struct form_wish *wish, struct form_plan *plan,
                                          const struct cluster_node *node)
{
    struct holders holders = find_holders(picture, wish, node);
    struct form_lost lost = {.verdict = FORM_WORK,
                             .reason = FORM_ABANDONS,
                             .about = cluster_picture_member(picture, node->ordinal)};
    if (holders.is_away) {
        lost.verdict = FORM_WAIT;
        lost.reason = FORM_HOLDER_AWAY;
        lost.about = holders.away;
    } else if (holders.count == 0 && !form_everybody_answered(picture)) {
        lost.verdict = FORM_WAIT; /* who is away may hold it, whatever the others believe */
        lost.reason = FORM_NO_HOLDER;
    } else if (holders.count == 0 && !wish->accept_empty_shard) {
        lost.verdict = FORM_REFUSE;
        lost.reason = FORM_NO_HOLDER;
    } else if (holders.count == 0 && holders.empty >= 0) {
        promote(picture, plan, &lost, holders.empty); /* as empty, and it has its place already */
    } else if (holders.count == 0) {
        /* Its slots go, empty, to the pod that lost them: the old id is forgotten everywhere, then the pod
         * claims them under a new epoch (redis_form_slots.c). */
        form_forget_everywhere(picture, plan, node->id);
    } else if (holders.unclear) {
        lost.verdict = FORM_REFUSE;
        lost.reason = FORM_HOLDER_UNCLEAR;
    } else {
        promote(picture, plan, &lost, holders.best);
    }
    return lost;
}

struct form_lost form_decide_lost(const struct cluster_picture *picture,
                                  const struct form_wish *wish, struct form_plan *plan)
{
    /* Each shard for itself: one that a person must decide about keeps no other from healing. The
     * worst verdict is told. */
    struct form_lost worst = {.verdict = FORM_CONVERGED, .about = -1};
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *node = &picture->nodes[i];
        if (!node->lost || node->slots == 0)
            continue;
        struct form_lost lost = decide_lost_owner(picture, wish, plan, node);
        if (lost.verdict > worst.verdict)
            worst = lost;
    }
    return worst;
}
