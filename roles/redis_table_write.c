#include "roles/redis_table.h"

#include <assert.h>
#include <string.h>

static void put_flag(struct text_out *out, const char **separator, bool set, const char *word)
{
    if (!set)
        return;
    text_put(out, *separator);
    text_put(out, word);
    *separator = ",";
}

/* "slave" and "master" are what every version reads; "replica" and "primary" only Valkey does. */
static void put_flags(struct text_out *out, unsigned flags)
{
    const char *separator = "";
    put_flag(out, &separator, (flags & REDIS_MYSELF) != 0, "myself");
    put_flag(out, &separator, (flags & REDIS_MASTER) != 0, "master");
    put_flag(out, &separator, (flags & REDIS_REPLICA) != 0, "slave");
    put_flag(out, &separator, (flags & REDIS_NOADDR) != 0, "noaddr");
    put_flag(out, &separator, (flags & REDIS_NOFAILOVER) != 0, "nofailover");
    if (separator[0] == '\0')
        text_put(out, "noflags");
}

/* The aux fields as they were, but with the node's present shard id. */
static void put_aux(struct text_out *out, const struct redis_node *node)
{
    struct span rest = node->aux;
    bool has_shard = node->shard_id[0] == '\0';

    while (rest.data != NULL && node->aux.len > 0) {
        struct span field = text_cut(rest, ',', &rest);
        text_put(out, ",");
        if (node->shard_id[0] != '\0' && text_starts(field, "shard-id=")) {
            text_put(out, "shard-id=");
            text_put(out, node->shard_id);
            has_shard = true;
        } else {
            text_put_span(out, field);
        }
    }
    if (!has_shard) {
        text_put(out, ",shard-id=");
        text_put(out, node->shard_id);
    }
}

static void put_address(struct text_out *out, const struct redis_node *node)
{
    text_put(out, node->ip);
    text_put(out, ":");
    text_put_u64(out, (uint64_t)node->port);
    text_put(out, "@");
    text_put_u64(out, (uint64_t)node->cport);
}

static void put_row(struct text_out *out, const struct redis_node *node)
{
    text_put(out, node->id);
    text_put(out, " ");
    put_address(out, node);
    if (node->hostname[0] != '\0' || node->shard_id[0] != '\0' || node->aux.len > 0) {
        text_put(out, ",");
        text_put(out, node->hostname);
    }
    put_aux(out, node);
    text_put(out, " ");
    put_flags(out, node->flags);
    text_put(out, " ");
    text_put(out, node->master_id[0] != '\0' ? node->master_id : "-");
    text_put(out, " 0 ");
    text_put_u64(out, node->pong_recv);
    text_put(out, " ");
    text_put_u64(out, node->epoch);
    text_put(out, node->link_connected ? " connected" : " disconnected");
    if (node->slots.len > 0) {
        text_put(out, " ");
        text_put_span(out, node->slots);
    }
    text_put(out, "\n");
}

size_t redis_table_write(const struct redis_table *table, char *out, size_t size)
{
    struct text_out text = {out, size, 0, size == 0};
    for (size_t i = 0; i < table->count; i++)
        if ((table->nodes[i].flags & REDIS_HANDSHAKE) == 0)
            put_row(&text, &table->nodes[i]);
    text_put(&text, "vars currentEpoch ");
    text_put_u64(&text, table->current_epoch);
    text_put(&text, " lastVoteEpoch ");
    text_put_u64(&text, table->last_vote_epoch);
    text_put(&text, "\n");
    return text_done(&text);
}

/* The owned slots of the row at INDEX as sorted ranges: from its least slot on, until all of them
 * were passed, so that rows with slots side by side cost no more than their own slots. */
static void put_slots(struct text_out *out, const struct redis_table *table, size_t index)
{
    struct span slots = table->nodes[index].slots;
    int left = table->nodes[index].slot_count;
    int first, last, slot = REDIS_SLOTS;

    while (redis_table_next_slots(&slots, &first, &last))
        if (first < slot)
            slot = first;
    while (left > 0 && slot < REDIS_SLOTS) {
        if (table->slot_owner[slot] != (int16_t)index) {
            slot++;
            continue;
        }
        first = slot;
        while (slot < REDIS_SLOTS && table->slot_owner[slot] == (int16_t)index)
            slot++;
        left -= slot - first;
        text_put(out, " ");
        text_put_u64(out, (uint64_t)first);
        if (slot - 1 > first) {
            text_put(out, "-");
            text_put_u64(out, (uint64_t)slot - 1);
        }
    }
}

static void put_view(struct text_out *out, const struct redis_table *table, size_t index)
{
    const struct redis_node *node = &table->nodes[index];
    bool master = (node->flags & REDIS_MASTER) != 0;

    text_put(out, node->id);
    text_put(out, " ");
    put_address(out, node);
    text_put(out, master ? " master" : (node->flags & REDIS_REPLICA) != 0 ? " replica" : " none");
    if ((node->flags & REDIS_HANDSHAKE) != 0)
        text_put(out, ",handshake");
    if ((node->flags & REDIS_NOADDR) != 0)
        text_put(out, ",noaddr");
    text_put(out, " ");
    text_put(out, node->master_id[0] != '\0' ? node->master_id : "-");
    if (master) {
        text_put(out, " ");
        text_put_u64(out, node->epoch);
    }
    put_slots(out, table, index);
    text_put(out, "\n");
}

size_t redis_table_view(const struct redis_table *table, char *out, size_t size)
{
    struct text_out text = {out, size, 0, size == 0};
    const char *last = "";

    /* By selection: tables are small and no memory for an order is needed. */
    for (size_t done = 0; done < table->count; done++) {
        size_t next = table->count;
        for (size_t i = 0; i < table->count; i++) {
            const char *id = table->nodes[i].id;
            if (strcmp(id, last) > 0 &&
                (next == table->count || strcmp(id, table->nodes[next].id) < 0))
                next = i;
        }
        if (next == table->count)
            break;
        put_view(&text, table, next);
        last = table->nodes[next].id;
    }
    return text_done(&text);
}
