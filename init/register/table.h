#ifndef INIT_REGISTER_TABLE_H
#define INIT_REGISTER_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/* The largest register, as a ConfigMap's limit is. */
#define REGISTER_BYTES_MAX ((size_t)1024 * 1024)
#define REGISTER_ENTRIES_MAX 4096

/*
 * A register's contents in memory: keys and values in their order, each key once. What ordain does
 * not know is kept as it is.
 */
struct register_entry {
    char *key, *value;
};

struct register_table {
    struct register_entry *entries;
    size_t count, size;
};

/* Frees what the table holds; it is empty then. A zeroed table is an empty one. */
void register_table_clear(struct register_table *table);

/* The value of KEY, NULL when it is not there; valid until the next change. */
const char *register_table_get(const struct register_table *table, const char *key);

/* The value of the first key that begins with PREFIX; the same. */
const char *register_table_get_prefix(const struct register_table *table, const char *prefix);

/* Sets KEY. A new key goes before the first one that sorts after it, format and cluster-id before
 * all, so that a table that ordain alone wrote is sorted and a person's order stays. False without
 * memory or when REGISTER_ENTRIES_MAX are there. */
bool register_table_set(struct register_table *table, const char *key, const char *value);

/* True for a key that a ConfigMap may have: 1 to 253 letters, digits and "-._". */
bool register_key_is_valid(const char *key, size_t len);

/*
 * From the text form: a line "key=value" each, the value any UTF-8 or other bytes but control
 * characters. *bad_line is the first line, from 1, that is none, whose key is there already or that
 * is one too many; 0 with false: out of memory. TABLE is empty then.
 */
bool register_table_parse(struct register_table *table, const char *text, size_t len,
                          size_t *bad_line);

/* Appends the text form to OUT. */
void register_table_write(const struct register_table *table, struct buf *out);

#endif
