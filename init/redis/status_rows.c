#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/status.h"

/* Shards are numbered by their first slot. */
static int number_shards(const struct cluster_picture *picture, int *shard_of)
{
    int shards = 0;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        int owner = picture->slot_owner[slot];
        if (owner >= 0 && shard_of[owner] == 0)
            shard_of[owner] = ++shards;
    }
    for (size_t i = 0; i < picture->count; i++) {
        int master = *picture->nodes[i].master_id != '\0'
                         ? cluster_picture_find(picture, picture->nodes[i].master_id)
                         : -1;
        if (master >= 0 && shard_of[i] == 0)
            shard_of[i] = shard_of[master];
    }
    return shards;
}

static int64_t behind(const struct cluster_picture *picture, const struct cluster_member *replica,
                      const struct cluster_node *node)
{
    int master = *node->master_id != '\0' ? cluster_picture_find(picture, node->master_id) : -1;
    if (master < 0 || picture->nodes[master].member < 0 || !replica->info.master_link_up)
        return -1;
    int64_t ahead = picture->members[picture->nodes[master].member].info.offset;
    return ahead > replica->info.offset ? ahead - replica->info.offset : 0;
}

int status_ordinal(const struct status_row *row)
{
    if (row->member != NULL)
        return row->member->ordinal;
    return row->node != NULL ? row->node->ordinal : -1;
}

static int compare(const void *left, const void *right)
{
    const struct status_row *a = left;
    const struct status_row *b = right;
    int shard_a = a->shard == 0 ? 1 << 20 : a->shard;
    int shard_b = b->shard == 0 ? 1 << 20 : b->shard;
    if (shard_a != shard_b)
        return shard_a - shard_b;
    bool master_a = a->node != NULL && a->node->slots > 0;
    bool master_b = b->node != NULL && b->node->slots > 0;
    if (master_a != master_b)
        return master_a ? -1 : 1;
    return status_ordinal(a) - status_ordinal(b);
}

bool status_collect(const struct form_look *look, struct status_rows *rows)
{
    const struct observer *observer = &look->observer;
    const struct cluster_picture *picture = &observer->picture;
    int *shard_of = calloc(picture->count + 1, sizeof(*shard_of));
    rows->rows = calloc(picture->count + observer->member_count, sizeof(*rows->rows));
    rows->count = 0;
    if (shard_of == NULL || rows->rows == NULL) {
        free(shard_of);
        return false;
    }
    rows->shards = number_shards(picture, shard_of);
    for (size_t i = 0; i < picture->count; i++) {
        const struct cluster_node *node = &picture->nodes[i];
        struct status_row *row = &rows->rows[rows->count++];
        row->node = node;
        row->shard = shard_of[i];
        row->behind_bytes = -1;
        if (node->member >= 0) {
            row->member = &picture->members[node->member];
            row->behind_bytes = behind(picture, row->member, node);
        }
        if (node->ordinal >= 0)
            birth_spec_zone(&observer->spec, node->ordinal, row->zone);
    }
    for (size_t i = 0; i < observer->member_count; i++) { /* pods that no row speaks of */
        const struct cluster_member *member = &observer->members[i];
        bool shown = false;
        for (size_t r = 0; r < rows->count && !shown; r++)
            shown = rows->rows[r].member == member ||
                    (rows->rows[r].node != NULL && rows->rows[r].node->ordinal == member->ordinal &&
                     !rows->rows[r].node->lost);
        if (shown)
            continue;
        struct status_row *row = &rows->rows[rows->count++];
        row->member = member;
        row->behind_bytes = -1;
        birth_spec_zone(&observer->spec, member->ordinal, row->zone);
    }
    qsort(rows->rows, rows->count, sizeof(*rows->rows), compare);
    free(shard_of);
    return true;
}

/* --- what is wrong --- */

static bool member_problem(const struct form_look *look, size_t index, char *text, size_t size)
{
    const struct observer *observer = &look->observer;
    const struct cluster_member *member = &observer->members[index];
    const char *name = observer_name(observer, (int)index);
    if (observer->picture.claims[index] == CLAIM_FOREIGN) {
        (void)snprintf(text, size, "%s: a server that is not of this cluster answers there", name);
        return true;
    }
    switch (member->contact) {
    case MEMBER_NO_NAME:
        (void)snprintf(text, size, "%s: DNS has no address for it", name);
        return true;
    case MEMBER_SILENT:
    case MEMBER_STRANGE:
    case MEMBER_BUSY:
    case MEMBER_DENIED:
        (void)snprintf(text, size, "%s: %s", name,
                       *member->problem != '\0' ? member->problem : "it is silent");
        return true;
    case MEMBER_NOBODY:
        (void)snprintf(text, size, "%s: no server listens there", name);
        return true;
    case MEMBER_ANSWERED:
        break;
    }
    if (!member->info.cluster_ok) {
        (void)snprintf(text, size, "%s: it says that the cluster is not ok", name);
        return true;
    }
    if (member->info.role_known && !member->info.is_master && !member->info.master_link_up) {
        (void)snprintf(text, size, "%s: its link to its master is down", name);
        return true;
    }
    return false;
}

static bool node_problem(const struct form_look *look, size_t index, char *text, size_t size)
{
    const struct cluster_node *node = &look->observer.picture.nodes[index];
    if (node->member >= 0)
        return false;
    char pod[IDENTITY_NAME_MAX] = "an unknown pod";
    if (node->ordinal >= 0)
        identity_pod_name(&look->observer.identity, node->ordinal, pod);
    if (node->lost)
        (void)snprintf(text, size, "node %.8s: %s lost it with its volume; it owned %d slots",
                       node->id, pod, node->slots);
    else if (node->failing > 0 || node->ordinal < 0)
        (void)snprintf(text, size, "node %.8s of %s: %d servers flag it as failed", node->id, pod,
                       node->failing);
    else
        return false;
    return true;
}

const char *status_problem(const struct form_look *look, size_t index)
{
    static char text[512];
    const struct observer *observer = &look->observer;
    size_t found = 0;
    for (size_t i = 0; i < observer->member_count; i++)
        if (member_problem(look, i, text, sizeof(text)) && found++ == index)
            return text;
    for (size_t i = 0; i < observer->picture.count; i++)
        if (node_problem(look, i, text, sizeof(text)) && found++ == index)
            return text;
    int unassigned = REDIS_SLOTS - observer->picture.slots_assigned;
    if (unassigned > 0 && found++ == index) {
        (void)snprintf(text, sizeof(text), "%d slots have no owner", unassigned);
        return text;
    }
    if (look->plan.verdict != FORM_CONVERGED && found++ == index) {
        form_sentence(look, text);
        return text;
    }
    return NULL;
}
