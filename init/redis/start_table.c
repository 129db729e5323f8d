#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/observe.h"
#include "init/redis/start_internal.h"
#include "init/sys/digest.h"
#include "init/sys/random.h"

#define SLOTS_TEXT_MAX 16

static bool shards_have_ids(const struct start *start)
{
    const struct redis_settings *redis = &start->settings->redis;
    return redis->version_major > 7 || (redis->version_major == 7 && redis->version_minor >= 2);
}

/* --- birth --- */

/* The same on every pod: a replica's shard id must be its master's, else Valkey 8.1 aborts. */
static void birth_shard_id(const struct start *start, int master_index, char id[REDIS_ID_LEN + 1])
{
    char text[sizeof(start->identity.cluster_id) + 32];
    int len = snprintf(text, sizeof(text), "%s shard %d", start->identity.cluster_id, master_index);
    digest_sha1_hex(text, (size_t)len, id);
}

static const struct start_peer *peer_of(const struct start *start, int ordinal)
{
    for (size_t i = 0; i < start->peer_count; i++)
        if (start->peers[i].ordinal == ordinal)
            return &start->peers[i];
    return NULL;
}

static void place(const struct start *start, struct redis_node *node, int ordinal)
{
    bool me = ordinal == start->identity.ordinal;
    const struct start_peer *peer = me ? NULL : peer_of(start, ordinal);
    if (me)
        memcpy(node->ip, start->identity.pod_ip.text, sizeof(node->ip));
    else if (peer != NULL && peer->trust != START_TRUST_NONE)
        memcpy(node->ip, peer->ip, sizeof(node->ip));
    if (*node->ip != '\0') {
        node->port = start->settings->redis.port;
        node->cport = node->port + REDIS_BUS_OFFSET;
    } else {
        node->flags |= REDIS_NOADDR;
    }
    identity_host_name(&start->identity, ordinal, node->hostname);
}

static void make_birth_row(const struct start *start, struct start_table *made, int index)
{
    struct redis_node *node = &made->table.nodes[index];
    int master = start->spec.master_of[index];
    int ordinal = start->spec.start + index;
    observe_birth_id(&start->identity, ordinal, node->id);
    node->flags = master == index ? REDIS_MASTER : REDIS_REPLICA;
    place(start, node, ordinal);
    if (ordinal == start->identity.ordinal) {
        node->flags |= REDIS_MYSELF;
        made->table.myself = index;
    }
    node->link_connected = true;
    if (shards_have_ids(start))
        birth_shard_id(start, master, node->shard_id);
    if (master != index) {
        observe_birth_id(&start->identity, start->spec.start + master, node->master_id);
        return;
    }
    node->epoch = (uint64_t)index + 1;
    struct slot_range range = placement_slots(start->spec.masters, index);
    char *text = made->texts + (size_t)index * SLOTS_TEXT_MAX;
    int len = snprintf(text, SLOTS_TEXT_MAX, range.first == range.last ? "%u" : "%u-%u",
                       (unsigned)range.first, (unsigned)range.last);
    node->slots = (struct span){text, (size_t)len};
    node->slot_count = range.last - range.first + 1;
}

static void make_birth(const struct start *start, struct start_table *made)
{
    made->table.count = (size_t)start->spec.replicas;
    made->table.current_epoch = (uint64_t)start->spec.masters;
    made->table.has_vars = true;
    for (int index = 0; index < start->spec.replicas; index++)
        make_birth_row(start, made, index);
}

/* --- one row --- */

static void random_id(char id[REDIS_ID_LEN + 1])
{
    unsigned char bytes[REDIS_ID_LEN / 2];
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static void make_single(const struct start *start, struct start_table *made, bool lost)
{
    struct redis_node *node = &made->table.nodes[0];
    made->table.count = 1;
    made->table.myself = 0;
    made->table.has_vars = true;
    if (lost)
        random_id(node->id);
    else
        memcpy(node->id, start->birth_id, sizeof(node->id));
    node->flags = REDIS_MYSELF | REDIS_MASTER;
    node->link_connected = true;
    place(start, node, start->identity.ordinal);
}

/* --- mend --- */

static struct mend_facts mend_facts(const struct start *start)
{
    const struct volume *volume = &start->volume;
    struct mend_facts facts = {
        .file = volume->nodes.there ? &volume->nodes.table : NULL,
        .file_status = volume->nodes.status,
        .copy = volume->copy.there ? &volume->copy.table : NULL,
        .copy_status = volume->copy.status,
        .port = start->settings->redis.port,
        .owner_confirmed = start_owner_confirmed(start),
    };
    if (volume->has_mark)
        memcpy(facts.id, volume->mark.id, sizeof(facts.id));
    else if (start->facts.file != START_FILE_WHOLE)
        memcpy(facts.id, start->birth_id, sizeof(facts.id));
    memcpy(facts.ip, start->identity.pod_ip.text, sizeof(facts.ip));
    identity_host_name(&start->identity, start->identity.ordinal, facts.host_name);
    return facts;
}

/* Further rows of a peer's pod are of ids that are dead: no address is theirs. */
static size_t add_dead_rows(const struct start *start, struct mend_peer *peers)
{
    const struct redis_table *table = &start->volume.nodes.table;
    size_t count = start->peer_count;
    for (size_t r = 0; start->volume.nodes.there && r < table->count; r++) {
        const struct redis_node *row = &table->nodes[r];
        int ordinal = identity_ordinal_of(&start->identity, row->hostname);
        const struct start_peer *peer = ordinal >= 0 ? peer_of(start, ordinal) : NULL;
        if (peer == NULL || (int)r == table->myself || strcmp(peer->id, row->id) == 0)
            continue;
        memcpy(peers[count].id, row->id, sizeof(peers[count].id));
        peers[count++].addr = MEND_ADDR_NONE;
    }
    return count;
}

static struct mend_peer *mend_peers(const struct start *start, size_t *count)
{
    struct mend_peer *peers =
        calloc(start->peer_count + start->volume.nodes.table.count + 1, sizeof(*peers));
    for (size_t i = 0; peers != NULL && i < start->peer_count; i++) {
        const struct start_peer *peer = &start->peers[i];
        memcpy(peers[i].id, peer->id, sizeof(peers[i].id));
        (void)snprintf(peers[i].host_name, sizeof(peers[i].host_name), "%s", peer->host_name);
        peers[i].port = start->settings->redis.port;
        if (start_is_my_master(start, peer) && peer->trust != START_TRUST_ID) {
            peers[i].addr = MEND_ADDR_NONE;
        } else if (peer->trust != START_TRUST_NONE) {
            peers[i].addr = MEND_ADDR_CONFIRMED;
            memcpy(peers[i].ip, peer->ip, sizeof(peers[i].ip));
        } else {
            peers[i].addr = start->dns_broken ? MEND_ADDR_KEEP : MEND_ADDR_NONE;
        }
    }
    *count = peers != NULL ? add_dead_rows(start, peers) : 0;
    return peers;
}

/* A copy from before a promotion says replica, while the masters give this node slots: it starts as the
 * master that it is, and gets its slots back from the masters' word (FORM_ADD_SLOTS). As a replica it
 * would make everybody forget who owns them. */
static void heed_masters(const struct start *start, struct start_table *made)
{
    struct redis_node *self = &made->table.nodes[made->table.myself];
    uint64_t epoch = 0;
    if ((self->flags & REDIS_REPLICA) == 0 || start_called_owner(start, &epoch) != MEND_YES)
        return;
    self->flags = (self->flags & ~(unsigned)REDIS_REPLICA) | REDIS_MASTER;
    *self->master_id = '\0';
    self->epoch = epoch;
    made->mend.slots_withheld = true;
}

static bool make_mended(const struct start *start, struct start_table *made, size_t texts_size,
                        struct err *err)
{
    struct mend_facts facts = mend_facts(start);
    struct mend_peer *peers = mend_peers(start, &facts.peer_count);
    if (peers == NULL)
        return err_set(err, ERR_IO, "out of memory for the cluster's table");
    facts.peers = peers;
    made->mend = redis_mend_decide(&facts, &made->table, made->texts, texts_size);
    free(peers);
    if (made->mend.own_from_copy)
        heed_masters(start, made);
    bool bad = made->mend.status == MEND_IMPOSSIBLE || made->mend.status == MEND_OTHER_ID ||
               made->mend.status == MEND_TOO_BIG;
    return !bad || err_set(err, ERR_REFUSED, "nodes.conf in '%s' cannot be mended (%d)",
                           start->volume.dir, (int)made->mend.status);
}

bool start_is_mendable(struct start *start)
{
    struct start_table made;
    struct err ignored;
    bool mendable = start_make_table(start, START_MEND, &made, &ignored);
    start->own_row_is_copy = mendable && made.mend.own_from_copy;
    start_free_table(&made);
    return mendable;
}

/* --- all --- */

bool start_make_table(const struct start *start, enum start_action action, struct start_table *made,
                      struct err *err)
{
    const struct volume *volume = &start->volume;
    memset(made, 0, sizeof(*made));
    made->table.myself = -1;
    /* A torn table may imply as many masters as it has rows (redis_mend.h). */
    size_t rows = (size_t)start->spec.replicas +
                  2 * (volume->nodes.table.count + volume->copy.table.count) + 1;
    size_t texts_size =
        MEND_SCRATCH_BYTES(volume->nodes.text.len, volume->copy.text.len) + rows * SLOTS_TEXT_MAX;
    made->table.nodes = calloc(rows, sizeof(*made->table.nodes));
    made->table.capacity = rows;
    made->texts = malloc(texts_size);
    if (made->table.nodes == NULL || made->texts == NULL)
        return err_set(err, ERR_IO, "out of memory for the cluster's table");
    switch (action) {
    case START_SEED:
        make_birth(start, made);
        return true;
    case START_SINGLE:
    case START_LOST:
        make_single(start, made, action == START_LOST);
        return true;
    case START_RESTART:
    case START_MEND:
    case START_ADOPT:
        return make_mended(start, made, texts_size, err);
    case START_WAIT:
    case START_REFUSE:
    case START_ACTIONS:
        break;
    }
    return true;
}

void start_free_table(struct start_table *made)
{
    free(made->table.nodes);
    free(made->texts);
    made->table.nodes = NULL;
    made->texts = NULL;
}
