/* The parser of tables never reads too far, its table is consistent, and what it calls right is
 * written and read again as the same. First byte: even for nodes.conf, odd for a reply. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/redis_table.h"

#define ROWS 24
#define OUT (1 << 17)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redis_node rows[ROWS];
static struct redis_table table = {.nodes = rows};
static char written[OUT], rewritten[OUT], view[OUT], review[OUT];

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_consistent(void)
{
    int assigned = 0;
    require(table.count <= table.capacity);
    require(table.myself >= -1 && table.myself < (int)table.count);
    for (int slot = 0; slot < REDIS_SLOTS; slot++) {
        require(table.slot_owner[slot] >= -1 && table.slot_owner[slot] < (int)table.count);
        assigned += table.slot_owner[slot] != -1 ? 1 : 0;
    }
    require(assigned == table.slots_assigned);
    for (size_t i = 0; i < table.count; i++) {
        require(strlen(rows[i].id) == REDIS_ID_LEN);
        require(redis_table_find(&table, rows[i].id) == (int)i);
        require(memchr(rows[i].hostname, '\0', sizeof(rows[i].hostname)) != NULL);
        assigned -= rows[i].slot_count;
    }
    require(assigned == 0);
}

static void check_written(void)
{
    size_t len = redis_table_write(&table, written, sizeof(written));
    bool shakes_hands = false;
    for (size_t i = 0; i < table.count; i++)
        shakes_hands = shakes_hands || (rows[i].flags & REDIS_HANDSHAKE) != 0;
    require(redis_table_view(&table, view, sizeof(view)) > 0);
    if (len == 0 || shakes_hands)
        return;
    require(redis_table_parse(&table, written, len, true, NULL) == REDIS_TABLE_OK);
    require(redis_table_view(&table, review, sizeof(review)) > 0);
    require(strcmp(view, review) == 0);
    require(redis_table_write(&table, rewritten, sizeof(rewritten)) == len);
    require(strcmp(written, rewritten) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool is_file = data[0] % 2 == 0;
    char *text = malloc(size); /* its own, so that a byte too far is seen */
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    table.capacity = ROWS;
    enum redis_table_status status = redis_table_parse(&table, text, size - 1, is_file, NULL);
    check_consistent();
    if (is_file && status == REDIS_TABLE_OK)
        check_written();
    free(text);
    return 0;
}
