#include "roles/redis_cluster.h"

#include <string.h>

#include "roles/redis_claim.h"

int cluster_picture_find(const struct cluster_picture *picture, const char *id)
{
    for (size_t i = 0; i < picture->count; i++)
        if (memcmp(picture->nodes[i].id, id, REDIS_ID_LEN) == 0)
            return (int)i;
    return -1;
}

int cluster_picture_member(const struct cluster_picture *picture, int ordinal)
{
    for (size_t i = 0; i < picture->member_count; i++)
        if (picture->members[i].ordinal == ordinal)
            return (int)i;
    return -1;
}

/* --- nodes --- */

static struct cluster_node *node_add(struct cluster_picture *picture, const char *id)
{
    int index = cluster_picture_find(picture, id);
    if (index >= 0)
        return &picture->nodes[index];
    if (picture->count == picture->capacity)
        return NULL;
    struct cluster_node *node = &picture->nodes[picture->count++];
    memset(node, 0, sizeof(*node));
    memcpy(node->id, id, sizeof(node->id));
    node->ordinal = -1;
    node->member = -1;
    return node;
}

/* What one server says of one node. A node that answers speaks for itself; of the others the word
 * with the highest epoch counts. */
static void node_learn(struct cluster_node *node, const struct redis_node *row, int ordinal,
                       int member, bool itself)
{
    node->known_by++;
    node->heard = node->heard || itself || row->pong_recv != 0;
    node->failing += (row->flags & REDIS_FAIL) != 0;
    const unsigned doubt = REDIS_FAIL | REDIS_PFAIL | REDIS_NOADDR |
                           REDIS_HANDSHAKE; /* "connected" alone may be a try */
    node->alive_by +=
        !itself && row->link_connected && row->pong_recv != 0 && (row->flags & doubt) == 0;
    node->doubted += (row->flags & (REDIS_FAIL | REDIS_PFAIL | REDIS_NOADDR)) != 0;
    if (ordinal >= 0 && (node->ordinal < 0 || itself))
        node->ordinal = ordinal;
    bool first = node->known_by == 1;
    if (itself)
        node->member = member;
    if (itself || (node->member < 0 && (first || row->epoch > node->epoch))) {
        node->is_master = (row->flags & REDIS_MASTER) != 0;
        memcpy(node->master_id, row->master_id, sizeof(node->master_id));
    }
    if (itself || row->epoch > node->epoch)
        node->epoch = row->epoch;
}

static bool draw_nodes(struct cluster_picture *picture)
{
    for (int pass = 0; pass < 2; pass++) { /* those that answer first: they speak for themselves */
        for (size_t i = 0; i < picture->member_count; i++) {
            const struct cluster_member *member = &picture->members[i];
            if (picture->claims[i] != CLAIM_OURS)
                continue;
            for (size_t r = 0; r < member->table.count; r++) {
                const struct redis_node *row = &member->table.nodes[r];
                bool itself = (int)r == member->table.myself;
                if (itself != (pass == 0) || (row->flags & REDIS_HANDSHAKE) != 0)
                    continue;
                struct cluster_node *node = node_add(picture, row->id);
                if (node == NULL)
                    return false;
                int ordinal = itself ? member->ordinal : member->row_ordinal[r];
                node_learn(node, row, ordinal, (int)i, itself);
            }
        }
    }
    return true;
}

static void draw_losses(struct cluster_picture *picture)
{
    for (size_t i = 0; i < picture->count; i++) {
        struct cluster_node *node = &picture->nodes[i];
        if (node->member >= 0 || node->ordinal < 0)
            continue;
        /* A server that announces the pod's own name, not just any at its address: a name may still
         * point to where the pod was. And a node that others still hear of may live cut off from us:
         * Redis flags a dead one within its node timeout. */
        int pod = cluster_picture_member(picture, node->ordinal);
        node->lost = pod >= 0 && picture->claims[pod] == CLAIM_OURS && node->alive_by == 0 &&
                     picture->members[pod].announces &&
                     picture->members[pod].announced_ordinal == node->ordinal;
    }
}

/* --- slots --- */

/* HEARSAY false: what servers claim for themselves; true: what they say of nodes that do not answer. */
static void draw_claims(struct cluster_picture *picture, uint64_t *epochs, bool hearsay)
{
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct cluster_member *member = &picture->members[i];
        if (picture->claims[i] != CLAIM_OURS)
            continue;
        int last_row = -1; /* neighbouring slots have one owner: look it up once */
        int node = -1;
        for (int slot = 0; slot < REDIS_SLOTS; slot++) {
            int row = member->table.slot_owner[slot];
            if (row < 0 || (row == member->table.myself) == hearsay)
                continue;
            if (row != last_row)
                node = cluster_picture_find(picture, member->table.nodes[row].id);
            last_row = row;
            if (node < 0 || (hearsay && picture->nodes[node].member >= 0))
                continue;
            uint64_t epoch = member->table.nodes[row].epoch;
            if (picture->slot_owner[slot] < 0 || epoch > epochs[slot]) {
                picture->slot_owner[slot] = (int16_t)node;
                epochs[slot] = epoch;
            }
        }
    }
}

static void draw_slots(struct cluster_picture *picture)
{
    uint64_t epochs[REDIS_SLOTS];
    memset(epochs, 0, sizeof(epochs));
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        picture->slot_owner[slot] = -1;
    draw_claims(picture, epochs, false);
    draw_claims(picture, epochs, true);
    picture->slots_assigned = 0;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        if (picture->slot_owner[slot] < 0)
            continue;
        picture->nodes[picture->slot_owner[slot]].slots++;
        picture->slots_assigned++;
    }
}

bool cluster_picture_draw(struct cluster_picture *picture, bool adopt)
{
    picture->count = 0;
    picture->answered = 0;
    picture->has_cluster = false;
    redis_claim_members(picture->members, picture->member_count, picture->claims, adopt);
    for (size_t i = 0; i < picture->member_count; i++) {
        const struct redis_node *self = cluster_member_self(&picture->members[i]);
        if (picture->claims[i] != CLAIM_OURS)
            continue;
        picture->answered++;
        if (picture->members[i].table.count > 1 || self->slot_count > 0)
            picture->has_cluster = true;
    }
    if (!draw_nodes(picture))
        return false;
    draw_losses(picture);
    draw_slots(picture);
    return true;
}

/* --- health --- */

static enum cluster_health member_health(const struct cluster_picture *picture,
                                         const struct cluster_member *member)
{
    if (member->table.count != picture->count)
        return CLUSTER_UNKNOWN_NODES;
    const unsigned bad = REDIS_FAIL | REDIS_PFAIL | REDIS_HANDSHAKE | REDIS_NOADDR;
    for (size_t r = 0; r < member->table.count; r++) {
        const struct redis_node *row = &member->table.nodes[r];
        if ((row->flags & bad) != 0 || !row->link_connected)
            return CLUSTER_FAILING;
    }
    if (!member->info.cluster_ok || member->info.slots_ok != REDIS_SLOTS)
        return CLUSTER_NOT_OK;
    /* A replica whose master has no address calls itself a master in INFO. */
    const struct redis_node *self = cluster_member_self(member);
    bool broken = member->info.is_master ? *self->master_id != '\0' : !member->info.master_link_up;
    if (member->info.role_known && broken)
        return CLUSTER_REPLICATION;
    return CLUSTER_CONVERGED;
}

enum cluster_health cluster_picture_health(const struct cluster_picture *picture, int *about)
{
    enum cluster_health worst = CLUSTER_CONVERGED;
    *about = -1;
    int first = -1;
    for (size_t i = 0; i < picture->member_count; i++) {
        enum cluster_health health = CLUSTER_CONVERGED;
        const struct cluster_member *member = &picture->members[i];
        if (picture->claims[i] == CLAIM_FOREIGN)
            health = CLUSTER_FOREIGN;
        else if (picture->claims[i] == CLAIM_UNKNOWN)
            health = CLUSTER_INCOMPLETE;
        else
            health = member_health(picture, member);
        if (health == CLUSTER_CONVERGED && first >= 0 &&
            memcmp(member->view, picture->members[first].view, sizeof(member->view)) != 0)
            health = CLUSTER_VIEWS;
        if (first < 0 && picture->claims[i] == CLAIM_OURS)
            first = (int)i;
        if (health != CLUSTER_CONVERGED && (worst == CLUSTER_CONVERGED || health < worst)) {
            worst = health;
            *about = (int)i;
        }
    }
    if (picture->slots_assigned != REDIS_SLOTS &&
        (worst == CLUSTER_CONVERGED || worst > CLUSTER_SLOTS)) {
        worst = CLUSTER_SLOTS;
        *about = -1;
    }
    return worst;
}
