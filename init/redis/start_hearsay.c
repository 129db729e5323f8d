#include <stdlib.h>
#include <string.h>

#include "init/redis/start_internal.h"

/* What the peers' tables say of this pod. */

static bool is_me(const struct start *start, const struct redis_node *row)
{
    const struct volume *volume = &start->volume;
    return strcmp(row->id, start->birth_id) == 0 ||
           (volume->has_mark && strcmp(row->id, volume->mark.id) == 0) ||
           identity_ordinal_of(&start->identity, row->hostname) == start->identity.ordinal;
}

/* Do the slots that my row in the copy has belong to me by TABLE, all of them? */
static enum mend_answer names_owner(const struct start *start, const struct redis_table *table)
{
    const struct redis_table *copy = volume_whole_copy(&start->volume);
    bool any = false;
    for (int slot = 0; copy != NULL && slot < REDIS_SLOTS; slot++) {
        if (copy->slot_owner[slot] != copy->myself)
            continue;
        int owner = table->slot_owner[slot];
        any = true;
        if (owner < 0 || strcmp(table->nodes[owner].id, copy->nodes[copy->myself].id) != 0)
            return MEND_NO;
    }
    return any ? MEND_YES : MEND_UNKNOWN;
}

static void hear_table(const struct start *start, struct start_peer *peer,
                       const struct redis_table *table)
{
    const struct redis_node *self = &table->nodes[table->myself];
    memcpy(peer->own_ip, self->ip, sizeof(peer->own_ip));
    peer->is_master = (self->flags & REDIS_MASTER) != 0 && self->slot_count > 0;
    if (table->count > 1 && peer->heard_me < START_HEARD_NO)
        peer->heard_me = START_HEARD_NO; /* at another address of this name it may have said yes */
    bool knows_me = false;
    for (size_t r = 0; r < table->count; r++) {
        const struct redis_node *row = &table->nodes[r];
        if (!is_me(start, row))
            continue;
        knows_me = true;
        if (row->pong_recv != 0) /* "connected" may be a link that is being tried */
            peer->heard_me = START_HEARD_YES;
        if (strcmp(self->master_id, row->id) == 0 &&
            strcmp(row->ip, start->identity.pod_ip.text) == 0)
            peer->follows_my_address = true;
        if (row->slot_count > 0)
            peer->owner_epoch = row->epoch;
        peer->calls_me_owner = peer->calls_me_owner || row->slot_count > 0;
    }
    peer->names_me_owner = names_owner(start, table);
    /* A birth's masters have all its pods in their tables: this cluster was born without me, or has
     * forgotten me. Whatever I am to it, it is no birth. */
    if (peer->is_master && table->count > 1 && !knows_me && !start->facts.beyond_birth)
        peer->heard_me = START_HEARD_YES;
}

/* Under the peer's name, or with its id: what another server says of me says nothing. */
static bool is_peer(const struct start *start, const struct start_peer *peer,
                    const struct redis_node *self)
{
    return strcmp(self->id, peer->id) == 0 ||
           identity_ordinal_of(&start->identity, self->hostname) == peer->ordinal;
}

bool start_hear(const struct start *start, struct start_peer *peer, const struct redis_call *nodes)
{
    struct redis_table table = {.capacity = start->peer_count * 2 + 64, .myself = -1};
    if (nodes->answer != REDIS_TEXT)
        return false;
    table.nodes = calloc(table.capacity, sizeof(*table.nodes));
    if (table.nodes == NULL)
        return false;
    enum redis_table_status status =
        redis_table_parse(&table, redis_call_text(nodes), nodes->len, false, NULL);
    bool heard = status == REDIS_TABLE_OK && table.myself >= 0 &&
                 is_peer(start, peer, &table.nodes[table.myself]);
    if (heard)
        hear_table(start, peer, &table);
    free(table.nodes);
    return heard;
}

/* The masters that the copy knows, without me. */
static int other_masters(const struct start *start)
{
    const struct redis_table *copy = volume_whole_copy(&start->volume);
    int masters = 0;
    for (size_t r = 0; copy != NULL && r < copy->count; r++)
        masters += (int)r != copy->myself && copy->nodes[r].slot_count > 0;
    return masters;
}

enum mend_answer start_owner_confirmed(const struct start *start)
{
    int yes = 0;
    int no = 0;
    for (size_t i = 0; i < start->peer_count; i++) {
        yes += start->peers[i].is_master && start->peers[i].names_me_owner == MEND_YES;
        no += start->peers[i].is_master && start->peers[i].names_me_owner == MEND_NO;
    }
    if (yes * 2 > other_masters(start))
        return MEND_YES;
    return no > 0 ? MEND_NO : MEND_UNKNOWN;
}

enum mend_answer start_called_owner(const struct start *start, uint64_t *epoch)
{
    int yes = 0;
    int answered = 0;
    *epoch = 0;
    for (size_t i = 0; i < start->peer_count; i++) {
        const struct start_peer *peer = &start->peers[i];
        answered += peer->is_master;
        yes += peer->is_master && peer->calls_me_owner;
        if (peer->is_master && peer->owner_epoch > *epoch)
            *epoch = peer->owner_epoch;
    }
    int masters = other_masters(start);
    if (yes * 2 > masters)
        return MEND_YES;
    return answered * 2 > masters && yes == 0 ? MEND_NO : MEND_UNKNOWN;
}

void start_conclude_hearsay(struct start *start)
{
    const struct redis_table *table = &start->volume.nodes.table;
    const char *my_master = "";
    bool knew_master = false;
    if (start->facts.file == START_FILE_WHOLE && table->myself >= 0) {
        my_master = table->nodes[table->myself].master_id;
        int row = redis_table_find(table, my_master);
        knew_master = row >= 0 && table->nodes[row].pong_recv != 0;
    }
    for (size_t i = 0; i < start->peer_count; i++) {
        const struct start_peer *peer = &start->peers[i];
        if (peer->heard_me > start->facts.heard)
            start->facts.heard = peer->heard_me;
        bool reborn = knew_master && strcmp(peer->id, my_master) == 0 && peer->is_empty &&
                      peer->heard_me == START_HEARD_NO;
        if (reborn && !start->settings->accept_empty_shard)
            start->facts.master_reborn = true;
    }
}
