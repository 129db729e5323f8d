/*
 * A mend's promises, for any two files: what it makes is a right nodes.conf and needs no second
 * mend; no slot is invented, none of others is lost, mine come from the copy only when confirmed.
 *
 * Input: a byte of facts (bits 0-1 owner_confirmed, 2 an address of mine, 3-4 what is known of the
 * peers, 5 no file, 6 no copy, 7 my id is told), then the file, a NUL, the copy.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/redis_mend.h"

#define ROWS 16
#define OUT (1 << 17)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redis_node file_rows[ROWS], copy_rows[ROWS], out_rows[4 * ROWS], again_rows[4 * ROWS];
static struct redis_table file, copy, out, again;
static struct mend_peer peers[2 * ROWS];
static char written[OUT], rewritten[OUT], scratch[MEND_SCRATCH_BYTES(1 << 16, 1 << 16)];

static void require(bool condition)
{
    if (!condition)
        abort();
}

static char *load(struct redis_table *table, struct redis_node *rows, const uint8_t *data,
                  size_t len, enum redis_table_status *status)
{
    char *text = malloc(len + 1); /* its own, so that a byte too far is seen */
    require(text != NULL);
    if (len > 0)
        memcpy(text, data, len);
    table->nodes = rows;
    table->capacity = ROWS;
    *status = redis_table_parse(table, text, len, true, NULL);
    return text;
}

static size_t make_peers(int kind)
{
    size_t count = 0;
    for (size_t i = 0; i < file.count + copy.count; i++) {
        struct mend_peer *peer = &peers[count++];
        const char *id = i < file.count ? file_rows[i].id : copy_rows[i - file.count].id;
        memset(peer, 0, sizeof(*peer));
        memcpy(peer->id, id, sizeof(peer->id));
        peer->addr = (enum mend_addr)(((int)i + kind) % 3);
        memcpy(peer->ip, "2001:db8::1", 12);
        peer->port = 60000 - 1000 * (int)i;
        memcpy(peer->host_name, "a.b", i % 2 == 0 ? 4 : 0);
    }
    return kind == 0 ? 0 : count;
}

/* The row that owns SLOT; NULL: none does. */
static const struct redis_node *owner(const struct redis_table *table, int slot)
{
    return table == NULL || table->slot_owner[slot] == -1 ? NULL
                                                          : &table->nodes[table->slot_owner[slot]];
}

static void check_slots(const struct mend_facts *facts, const struct mend_result *result)
{
    const char *me = out.nodes[out.myself].id;
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        const struct redis_node *of_file = owner(facts->file, slot), *now = owner(&out, slot);
        const struct redis_node *of_copy = result->from_copy > 0 ? owner(facts->copy, slot) : NULL;
        bool was_handshake = of_file != NULL && (of_file->flags & REDIS_HANDSHAKE) != 0;
        bool copy_shook = of_copy != NULL && (of_copy->flags & REDIS_HANDSHAKE) != 0;
        require(now == NULL || of_file != NULL || of_copy != NULL);
        if (of_file != NULL && !was_handshake)
            require(now != NULL);
        /* a row of the file may have given the slot up since the copy was made */
        if (of_file == NULL && of_copy != NULL && !copy_shook && strcmp(of_copy->id, me) != 0 &&
            (facts->file == NULL || redis_table_find(facts->file, of_copy->id) == -1))
            require(now != NULL);
        if (now != NULL && strcmp(now->id, me) == 0 && result->own_from_copy)
            require(facts->owner_confirmed == MEND_YES);
    }
}

static void check(struct mend_facts *facts)
{
    out.nodes = out_rows;
    out.capacity = 4 * ROWS;
    struct mend_result result = redis_mend_decide(facts, &out, scratch, sizeof(scratch));
    if (result.status >= MEND_IMPOSSIBLE)
        return;
    require(result.status != MEND_TOO_BIG);
    check_slots(facts, &result);
    require(out.myself != -1 &&
            result.from_file + result.from_copy + result.implied == (int)out.count);
    require(result.status == MEND_NOTHING || result.status == MEND_ADDRESSES ||
            out.current_epoch == out.last_vote_epoch);
    size_t len = redis_table_write(&out, written, sizeof(written));
    require(len > 0);

    again.nodes = again_rows;
    again.capacity = 4 * ROWS;
    require(redis_table_parse(&again, written, len, true, NULL) == REDIS_TABLE_OK);
    facts->file = &again;
    facts->file_status = REDIS_TABLE_OK;
    require(!redis_mend_role_changed(&out, &again));
    result = redis_mend_decide(facts, &out, scratch, sizeof(scratch));
    require(result.status == MEND_NOTHING);
    require(redis_table_write(&out, rewritten, sizeof(rewritten)) == len);
    require(strcmp(written, rewritten) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mend_facts facts;
    if (size == 0 || size > 1 << 14)
        return 0;
    const uint8_t *nul = memchr(data + 1, 0, size - 1);
    size_t file_len = nul == NULL ? size - 1 : (size_t)(nul - data) - 1;
    size_t copy_len = nul == NULL ? 0 : size - 2 - file_len;
    memset(&facts, 0, sizeof(facts));
    char *file_text = load(&file, file_rows, data + 1, file_len, &facts.file_status);
    char *copy_text = load(&copy, copy_rows, data + size - copy_len, copy_len, &facts.copy_status);

    facts.owner_confirmed = (enum mend_answer)((data[0] & 3) % 3);
    if ((data[0] & 4) != 0) {
        memcpy(facts.ip, "10.0.0.1", 9);
        facts.port = 6379;
        memcpy(facts.host_name, "me", 3);
    }
    facts.peers = peers;
    facts.peer_count = make_peers(data[0] >> 3 & 3);
    facts.file = (data[0] & 32) != 0 ? NULL : &file;
    facts.copy = (data[0] & 64) != 0 ? NULL : &copy;
    if ((data[0] & 128) != 0 && copy.myself != -1)
        memcpy(facts.id, copy_rows[copy.myself].id, sizeof(facts.id));
    check(&facts);
    free(file_text);
    free(copy_text);
    return 0;
}
