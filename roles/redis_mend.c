#include "roles/redis_mend.h"

#include <string.h>

#include "roles/redis_mend_rows.h"

static bool is_whole(const struct redis_table *table, enum redis_table_status status)
{
    return table != NULL && (status == REDIS_TABLE_OK || status == REDIS_TABLE_SHARD_IDS);
}

/* The id of mine by what FACTS know; "" when nothing tells. */
static const char *my_id(const struct mend_facts *facts)
{
    const struct redis_table *file = facts->file, *copy = facts->copy;
    if (facts->id[0] != '\0')
        return facts->id;
    if (file != NULL && file->myself != -1)
        return file->nodes[file->myself].id;
    if (is_whole(copy, facts->copy_status))
        return copy->nodes[copy->myself].id;
    return "";
}

/* The copy, if it is whole and mine. */
static const struct redis_table *usable_copy(const struct mend_facts *facts)
{
    const struct redis_table *copy = facts->copy;
    if (!is_whole(copy, facts->copy_status))
        return NULL;
    return strcmp(copy->nodes[copy->myself].id, my_id(facts)) == 0 ? copy : NULL;
}

/* A torn file may name several; then it is enough that one is the right one. But my own row without
 * "myself" stands in other nodes' files. */
static bool is_foreign(const struct mend_facts *facts)
{
    const struct redis_table *file = facts->file;
    bool other = false;
    for (size_t i = 0; file != NULL && i < file->count; i++) {
        bool myself = (file->nodes[i].flags & REDIS_MYSELF) != 0;
        if (strcmp(file->nodes[i].id, my_id(facts)) == 0)
            return !myself;
        other = other || myself;
    }
    return other;
}

static bool add(struct redis_table *out, const struct redis_node *node)
{
    if (out->count == out->capacity)
        return false;
    out->nodes[out->count++] = *node;
    return true;
}

/* Rows of FROM that OUT has not; COUNT counts them. */
static bool add_missing(struct redis_table *out, const struct redis_table *from, int *count)
{
    for (size_t i = 0; from != NULL && i < from->count; i++) {
        const struct redis_node *node = &from->nodes[i];
        if ((node->flags & REDIS_HANDSHAKE) != 0 || redis_table_find(out, node->id) != -1)
            continue;
        if (!add(out, node))
            return false;
        ++*count;
    }
    return true;
}

/* A replica's row names its master; when that one's own row is lost, what is left of it is said in
 * a row, for a server would else make one itself, and dial it at no address. */
static bool add_implied(struct redis_table *out, int *count)
{
    for (size_t i = 0; i < out->count; i++) {
        const struct redis_node *node = &out->nodes[i];
        struct redis_node master;
        if (node->master_id[0] == '\0' || redis_table_find(out, node->master_id) != -1)
            continue;
        memset(&master, 0, sizeof(master));
        memcpy(master.id, node->master_id, sizeof(master.id));
        memcpy(master.shard_id, node->shard_id, sizeof(master.shard_id));
        master.flags = REDIS_MASTER | REDIS_NOADDR;
        if (!add(out, &master))
            return false;
        ++*count;
    }
    return true;
}

static void withhold_slots(struct redis_node *node)
{
    node->slots.len = 0;
    node->slot_count = 0;
    node->slots_open = false;
}

/* The highest epoch that TABLE's vars or rows name. */
static uint64_t highest_epoch(const struct redis_table *table)
{
    uint64_t epoch = 0;
    if (table == NULL)
        return 0;
    epoch = table->current_epoch > table->last_vote_epoch ? table->current_epoch
                                                          : table->last_vote_epoch;
    for (size_t i = 0; i < table->count; i++)
        if (table->nodes[i].epoch > epoch)
            epoch = table->nodes[i].epoch;
    return epoch;
}

static void set_vars(const struct mend_facts *facts, bool torn, struct redis_table *out)
{
    uint64_t of_file = highest_epoch(facts->file), of_copy = highest_epoch(usable_copy(facts));
    out->has_vars = true;
    out->current_epoch = out->last_vote_epoch = of_file > of_copy ? of_file : of_copy;
    if (!torn) {
        out->current_epoch = facts->file->current_epoch;
        out->last_vote_epoch = facts->file->last_vote_epoch;
    }
}

/* Fills OUT with rows; false when they are too many. */
static bool gather(const struct mend_facts *facts, bool torn, struct redis_table *out,
                   struct mend_result *result)
{
    out->count = 0;
    if (!add_missing(out, facts->file, &result->from_file))
        return false;
    return !torn || (add_missing(out, usable_copy(facts), &result->from_copy) &&
                     add_implied(out, &result->implied));
}

/* Of a torn table: my row is the only myself, slots are owned once, mine only where that is proven.
 */
static bool settle(const struct mend_facts *facts, struct redis_table *out, size_t me,
                   struct text_out *scratch, struct mend_result *result)
{
    for (size_t i = 0; i < out->count; i++)
        out->nodes[i].flags &= i == me ? ~0U : ~(unsigned)REDIS_MYSELF;
    result->own_from_copy = me >= (size_t)result->from_file;
    if (result->own_from_copy && out->nodes[me].slots.len > 0 &&
        facts->owner_confirmed != MEND_YES) {
        withhold_slots(&out->nodes[me]);
        result->slots_withheld = true;
    }
    return redis_mend_rows_slots(out, result->from_file, scratch, &result->contested);
}

struct mend_result redis_mend_decide(const struct mend_facts *facts, struct redis_table *out,
                                     char *scratch, size_t scratch_size)
{
    struct mend_result result = {.status = MEND_NOTHING};
    struct text_out text = {scratch, scratch_size, 0, scratch_size == 0};
    bool torn = !is_whole(facts->file, facts->file_status);
    bool too_big = facts->file != NULL && facts->file_status == REDIS_TABLE_TOO_MANY;

    if (is_foreign(facts)) {
        result.status = MEND_OTHER_ID;
        return result;
    }
    if (too_big || !gather(facts, torn, out, &result)) {
        result.status = MEND_TOO_BIG;
        return result;
    }
    int me = redis_table_find(out, my_id(facts));
    if (me == -1 || (out->nodes[me].flags & REDIS_MYSELF) == 0) {
        result.status = MEND_IMPOSSIBLE;
        return result;
    }
    if (torn && !settle(facts, out, (size_t)me, &text, &result)) {
        result.status = MEND_TOO_BIG;
        return result;
    }
    bool changed = redis_mend_rows_address(facts, out, me, &result.addresses);
    changed = redis_mend_rows_shards(out) || changed;
    set_vars(facts, torn, out);
    redis_table_index(out);
    if (torn)
        result.status = result.from_copy > 0 ? MEND_TORN_FROM_COPY : MEND_TORN_OWN_ROWS;
    else if (changed || out->count != facts->file->count)
        result.status = MEND_ADDRESSES;
    return result;
}

/* True when each row of ONE that is no handshake is in OTHER with the same role, master and, for an
 * owner of slots, epoch. */
static bool rows_agree(const struct redis_table *one, const struct redis_table *other)
{
    const unsigned role = REDIS_MASTER | REDIS_REPLICA | REDIS_MYSELF;
    for (size_t i = 0; i < one->count; i++) {
        const struct redis_node *node = &one->nodes[i];
        if ((node->flags & REDIS_HANDSHAKE) != 0)
            continue;
        int found = redis_table_find(other, node->id);
        if (found == -1)
            return false;
        const struct redis_node *same = &other->nodes[found];
        if ((node->flags & role) != (same->flags & role) ||
            strcmp(node->master_id, same->master_id) != 0 || node->slot_count != same->slot_count ||
            (node->slot_count > 0 && node->epoch != same->epoch))
            return false;
    }
    return true;
}

bool redis_mend_role_changed(const struct redis_table *table, const struct redis_table *copy)
{
    if (copy == NULL || table->current_epoch != copy->current_epoch ||
        table->last_vote_epoch != copy->last_vote_epoch || !rows_agree(table, copy) ||
        !rows_agree(copy, table))
        return true;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        int mine = table->slot_owner[slot], theirs = copy->slot_owner[slot];
        if ((mine == -1) != (theirs == -1))
            return true;
        /* neighbours mostly have the same owners: compare ids only where these change */
        if (mine == -1 || (slot > 0 && mine == table->slot_owner[slot - 1] &&
                           theirs == copy->slot_owner[slot - 1]))
            continue;
        if (strcmp(table->nodes[mine].id, copy->nodes[theirs].id) != 0)
            return true;
    }
    return false;
}
