#include "roles/redis_table.h"

#include <string.h>

#include "roles/redis_table_row.h"

/* Bytes of a line that a server reads in one piece (redis 7.0 cluster.c clusterLoadConfig,
 * maxline). */
#define LINE_MAX_BYTES (1024 + REDIS_SLOTS * 128)

/* The words behind "vars". Both names are wanted: a server takes a missing lastVoteEpoch as 0 and
 * could then vote twice in one epoch. */
static bool parse_vars(struct span line, struct redis_table *table)
{
    uint64_t current = 0, vote = 0;
    int seen_current = 0, seen_vote = 0;
    for (struct span name = redis_table_row_word(&line); name.len > 0;
         name = redis_table_row_word(&line)) {
        struct span value = redis_table_row_word(&line);
        if (text_is(name, "currentEpoch") && text_u64(value, &current))
            seen_current++;
        else if (text_is(name, "lastVoteEpoch") && text_u64(value, &vote))
            seen_vote++;
        else
            return false;
    }
    if (table->has_vars || seen_current != 1 || seen_vote != 1)
        return false;
    table->has_vars = true;
    table->current_epoch = current;
    table->last_vote_epoch = vote;
    return true;
}

/* Enters what the row at INDEX owns; a slot named twice stays with the first, as in a server. */
static void enter_slots(struct redis_table *table, size_t index)
{
    struct redis_node *node = &table->nodes[index];
    struct span slots = node->slots;
    int first, last;
    node->slot_count = 0;
    while (redis_table_next_slots(&slots, &first, &last)) {
        for (int slot = first; slot <= last; slot++) {
            if (table->slot_owner[slot] != -1)
                continue;
            table->slot_owner[slot] = (int16_t)index;
            node->slot_count++;
            table->slots_assigned++;
        }
    }
}

void redis_table_index(struct redis_table *table)
{
    memset(table->slot_owner, 0xff, sizeof(table->slot_owner)); /* -1 */
    table->slots_assigned = 0;
    table->myself = -1;
    for (size_t i = 0; i < table->count; i++) {
        enter_slots(table, i);
        if (table->myself == -1 && (table->nodes[i].flags & REDIS_MYSELF) != 0)
            table->myself = (int)i;
    }
}

/* The worst thing seen wins, and the line of the first bad one is told. */
struct parse {
    struct redis_table *table;
    bool is_file;
    enum redis_table_status status;
    size_t line, bad_line;
};

static bool complain(struct parse *parse, enum redis_table_status status)
{
    /* TORN and TOO_MANY before doubled ids and doubled myself */
    if (parse->status == REDIS_TABLE_OK || status == REDIS_TABLE_TOO_MANY ||
        (status == REDIS_TABLE_TORN && parse->status != REDIS_TABLE_TOO_MANY))
        parse->status = status;
    if (parse->bad_line == 0)
        parse->bad_line = parse->line;
    return status != REDIS_TABLE_TOO_MANY;
}

/* False when there is no use in going on. */
static bool parse_line(struct parse *parse, struct span line, bool has_newline)
{
    struct redis_table *table = parse->table;
    struct redis_node node;
    struct span rest = line;

    if (line.len == 0 && has_newline)
        return true; /* a server leaves such when it is killed between write and truncate */
    if (!redis_table_row_is_plain(line) || line.len >= LINE_MAX_BYTES - 1 ||
        (parse->is_file && !has_newline))
        return complain(parse, REDIS_TABLE_TORN);
    if (parse->is_file && text_is(redis_table_row_word(&rest), "vars"))
        return parse_vars(rest, table) || complain(parse, REDIS_TABLE_TORN);
    if (!redis_table_row_parse(line, parse->is_file, &node))
        return complain(parse, REDIS_TABLE_TORN);
    if (redis_table_find(table, node.id) != -1)
        return complain(parse, REDIS_TABLE_DUPLICATE);
    if ((node.flags & REDIS_MYSELF) != 0 && table->myself != -1)
        complain(parse, REDIS_TABLE_TWO_MYSELF); /* the first is myself */
    if (table->count == table->capacity || table->count == INT16_MAX)
        return complain(parse, REDIS_TABLE_TOO_MANY);
    table->nodes[table->count] = node;
    if ((node.flags & REDIS_MYSELF) != 0 && table->myself == -1)
        table->myself = (int)table->count;
    enter_slots(table, table->count++);
    return true;
}

/* A 7.2 server exits at such a file when it read the master's row first, Valkey 8.1 aborts later.
 */
static bool shard_ids_agree(const struct redis_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct redis_node *node = &table->nodes[i];
        int master = node->master_id[0] == '\0' ? -1 : redis_table_find(table, node->master_id);
        if (master != -1 && strcmp(node->shard_id, table->nodes[master].shard_id) != 0)
            return false;
    }
    return true;
}

static enum redis_table_status judge(const struct parse *parse)
{
    const struct redis_table *table = parse->table;
    if (parse->status != REDIS_TABLE_OK)
        return parse->status;
    if (table->count == 0)
        return REDIS_TABLE_EMPTY;
    if (table->myself == -1)
        return REDIS_TABLE_NO_MYSELF;
    if (parse->is_file && !table->has_vars)
        return REDIS_TABLE_NO_VARS;
    if (parse->is_file && !shard_ids_agree(table))
        return REDIS_TABLE_SHARD_IDS;
    return REDIS_TABLE_OK;
}

enum redis_table_status redis_table_parse(struct redis_table *table, const char *text, size_t len,
                                          bool is_file, size_t *line)
{
    struct parse parse = {table, is_file, REDIS_TABLE_OK, 0, 0};
    struct span rest = {text, len};
    bool more = true;

    table->count = 0;
    table->has_vars = false;
    table->current_epoch = table->last_vote_epoch = 0;
    redis_table_index(table);
    while (more && rest.len > 0) {
        struct span row = {rest.data, text_find(rest, '\n')};
        bool has_newline = row.len < rest.len;
        rest = text_from(rest, row.len + (has_newline ? 1 : 0));
        parse.line++;
        more = parse_line(&parse, row, has_newline);
    }
    enum redis_table_status status = judge(&parse);
    if (line != NULL)
        *line = parse.bad_line;
    return status;
}

const char *redis_table_status_text(enum redis_table_status status)
{
    static const char *const texts[] = {
        [REDIS_TABLE_OK] = "nothing",
        [REDIS_TABLE_EMPTY] = "it has no row",
        [REDIS_TABLE_TORN] = "a row is cut or malformed",
        [REDIS_TABLE_NO_MYSELF] = "no row says 'myself'",
        [REDIS_TABLE_TWO_MYSELF] = "a second row says 'myself'",
        [REDIS_TABLE_NO_VARS] = "its last line, the epochs, is missing",
        [REDIS_TABLE_DUPLICATE] = "a second row has the same id",
        [REDIS_TABLE_TOO_MANY] = "it has too many rows",
        [REDIS_TABLE_SHARD_IDS] = "a replica's shard-id is not its master's",
    };
    return texts[status];
}

int redis_table_find(const struct redis_table *table, const char *id)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->nodes[i].id, id) == 0)
            return (int)i;
    return -1;
}
