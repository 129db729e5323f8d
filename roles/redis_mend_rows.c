#include "roles/redis_mend_rows.h"

#include <assert.h>
#include <string.h>

#define PORT_MAX 65535

static const struct mend_peer *find_peer(const struct mend_facts *facts, const char *id)
{
    for (size_t i = 0; i < facts->peer_count; i++)
        if (strcmp(facts->peers[i].id, id) == 0)
            return &facts->peers[i];
    return NULL;
}

static int bus_port(int port, int cport)
{
    if (cport != 0 || port == 0)
        return cport;
    return port + REDIS_BUS_OFFSET <= PORT_MAX ? port + REDIS_BUS_OFFSET : 0;
}

/* IP "" stands for no address. True when it is another one than before. */
static bool set_address(struct redis_node *node, const char *ip, int port, int cport)
{
    unsigned noaddr = ip[0] == '\0' ? REDIS_NOADDR : 0;
    if (strcmp(node->ip, ip) == 0 && node->port == port && node->cport == cport &&
        (node->flags & REDIS_NOADDR) == noaddr)
        return false;
    memmove(node->ip, ip, strlen(ip) + 1);
    node->port = port;
    node->cport = cport;
    node->flags = (node->flags & ~(unsigned)REDIS_NOADDR) | noaddr;
    return true;
}

static bool set_host_name(struct redis_node *node, const char *host_name)
{
    if (host_name[0] == '\0' || strcmp(node->hostname, host_name) == 0)
        return false;
    memcpy(node->hostname, host_name, strlen(host_name) + 1);
    return true;
}

bool redis_mend_rows_address(const struct mend_facts *facts, struct redis_table *out, int me,
                             int *addresses)
{
    const unsigned fail = REDIS_PFAIL | REDIS_FAIL;
    bool changed = false;
    for (size_t i = 0; i < out->count; i++) {
        struct redis_node *node = &out->nodes[i];
        const struct mend_peer *peer = find_peer(facts, node->id);
        bool moved = false;

        changed = changed || (node->flags & fail) != 0;
        node->flags &= ~fail;
        if ((int)i == me) {
            moved = facts->ip[0] != '\0' &&
                    set_address(node, facts->ip, facts->port, bus_port(facts->port, facts->cport));
            changed = set_host_name(node, facts->host_name) || changed;
        } else if (peer != NULL) {
            assert(peer->addr != MEND_ADDR_CONFIRMED || peer->ip[0] != '\0');
            if (peer->addr == MEND_ADDR_CONFIRMED)
                moved = set_address(node, peer->ip, peer->port, bus_port(peer->port, peer->cport));
            else if (peer->addr == MEND_ADDR_NONE)
                moved = set_address(node, "", 0, 0);
            changed = set_host_name(node, peer->host_name) || changed;
        }
        *addresses += moved ? 1 : 0;
        changed = changed || moved;
    }
    return changed;
}

/* The row that the row INDEX follows; -1: none, or not in the table. */
static int find_master(const struct redis_table *table, size_t index)
{
    const char *id = table->nodes[index].master_id;
    return id[0] == '\0' ? -1 : redis_table_find(table, id);
}

/* The master at the end of the chain that begins at the row INDEX, or the row whose master is not
 * in the table; of rows that follow each other in a ring the first. */
static size_t find_root(const struct redis_table *table, size_t index)
{
    size_t at = index;
    for (size_t steps = 0; steps < table->count; steps++) {
        int next = find_master(table, at);
        if (next == -1)
            return at;
        at = (size_t)next;
    }
    size_t first = at;
    for (int next = find_master(table, at); next != (int)at;
         next = find_master(table, (size_t)next))
        first = (size_t)next < first ? (size_t)next : first;
    return first;
}

static bool set_shard(struct redis_node *node, const struct redis_node *like)
{
    if (strcmp(node->shard_id, like->shard_id) == 0)
        return false;
    memcpy(node->shard_id, like->shard_id, sizeof(node->shard_id));
    return true;
}

bool redis_mend_rows_shards(struct redis_table *out)
{
    bool changed = false;
    for (size_t i = 0; i < out->count; i++) {
        size_t root = find_root(out, i);
        if (out->nodes[root].shard_id[0] == '\0')
            changed = set_shard(&out->nodes[root], &out->nodes[i]) || changed;
    }
    for (size_t i = 0; i < out->count; i++)
        changed = set_shard(&out->nodes[i], &out->nodes[find_root(out, i)]) || changed;
    return changed;
}

/* Does the row ONE come before OTHER at a slot that both claim? ONE is the later row. */
static bool beats(const struct redis_table *table, int from_file, int one, int other)
{
    if ((one < from_file) != (other < from_file))
        return one < from_file;
    return table->nodes[one].epoch > table->nodes[other].epoch;
}

/* The slots of the row INDEX by OWNER, then its open slots as they were. */
static void put_words(struct text_out *out, const int16_t owner[static REDIS_SLOTS], int index,
                      struct span words)
{
    const char *separator = "";
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        int first = slot;
        if (owner[slot] != index)
            continue;
        while (slot + 1 < REDIS_SLOTS && owner[slot + 1] == index)
            slot++;
        text_put(out, separator);
        text_put_u64(out, (uint64_t)first);
        if (slot > first) {
            text_put(out, "-");
            text_put_u64(out, (uint64_t)slot);
        }
        separator = " ";
    }
    while (words.len > 0) {
        size_t open = text_find(words, '[');
        words = text_from(words, open);
        struct span word = {words.data, text_find(words, ']')};
        if (word.len == words.len)
            break;
        word.len++;
        text_put(out, separator);
        text_put_span(out, word);
        words = text_from(words, word.len);
        separator = " ";
    }
}

bool redis_mend_rows_slots(struct redis_table *out, int from_file, struct text_out *scratch,
                           int *contested)
{
    int16_t owner[REDIS_SLOTS];
    int first, last;

    memset(owner, 0xff, sizeof(owner)); /* -1 */
    for (int i = 0; i < (int)out->count; i++) {
        struct span words = out->nodes[i].slots;
        while (redis_table_next_slots(&words, &first, &last)) {
            for (int slot = first; slot <= last; slot++) {
                *contested += owner[slot] != -1 && owner[slot] != i ? 1 : 0;
                if (owner[slot] == -1 || beats(out, from_file, i, owner[slot]))
                    owner[slot] = (int16_t)i;
            }
        }
    }
    if (*contested == 0)
        return true;
    for (int i = 0; i < (int)out->count; i++) {
        struct span words = out->nodes[i].slots;
        bool lost = false;
        while (redis_table_next_slots(&words, &first, &last))
            for (int slot = first; slot <= last; slot++)
                lost = lost || owner[slot] != i;
        if (!lost)
            continue;
        size_t start = scratch->len;
        put_words(scratch, owner, i, out->nodes[i].slots);
        out->nodes[i].slots = (struct span){scratch->data + start, scratch->len - start};
    }
    return !scratch->full;
}
