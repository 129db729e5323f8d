#include "init/register/table.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 253

static const char *const first_keys[] = {"format", "cluster-id"};
#define FIRST_KEYS (sizeof first_keys / sizeof *first_keys)

void register_table_clear(struct register_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->entries[i].key);
        free(table->entries[i].value);
    }
    free(table->entries);
    *table = (struct register_table){.entries = NULL};
}

static struct register_entry *find(const struct register_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->entries[i].key, key) == 0)
            return &table->entries[i];
    return NULL;
}

const char *register_table_get(const struct register_table *table, const char *key)
{
    const struct register_entry *entry = find(table, key);
    return entry != NULL ? entry->value : NULL;
}

const char *register_table_get_prefix(const struct register_table *table, const char *prefix)
{
    for (size_t i = 0; i < table->count; i++)
        if (strncmp(table->entries[i].key, prefix, strlen(prefix)) == 0)
            return table->entries[i].value;
    return NULL;
}

/* Where KEY stands among the keys that come first; FIRST_KEYS for all others. */
static size_t rank(const char *key)
{
    size_t i = 0;
    while (i < FIRST_KEYS && strcmp(key, first_keys[i]) != 0)
        i++;
    return i;
}

static bool sorts_before(const char *a, const char *b)
{
    size_t rank_a = rank(a);
    size_t rank_b = rank(b);
    return rank_a != rank_b ? rank_a < rank_b : strcmp(a, b) < 0;
}

/* Puts a copy of both texts at place AT. */
static bool insert(struct register_table *table, size_t at, const char *key, size_t key_len,
                   const char *value, size_t value_len)
{
    if (table->count == REGISTER_ENTRIES_MAX)
        return false;
    if (table->count == table->size) {
        size_t size = table->size == 0 ? 16 : table->size * 2;
        struct register_entry *more = realloc(table->entries, size * sizeof *more);
        if (more == NULL)
            return false;
        table->entries = more;
        table->size = size;
    }
    struct register_entry made = {strndup(key, key_len), strndup(value, value_len)};
    if (made.key == NULL || made.value == NULL) {
        free(made.key);
        free(made.value);
        return false;
    }
    memmove(&table->entries[at + 1], &table->entries[at], (table->count - at) * sizeof made);
    table->entries[at] = made;
    table->count++;
    return true;
}

bool register_table_set(struct register_table *table, const char *key, const char *value)
{
    struct register_entry *entry = find(table, key);
    if (entry == NULL) {
        size_t at = 0;
        while (at < table->count && !sorts_before(key, table->entries[at].key))
            at++;
        return insert(table, at, key, strlen(key), value, strlen(value));
    }
    char *copy = strdup(value);
    if (copy == NULL)
        return false;
    free(entry->value);
    entry->value = copy;
    return true;
}

bool register_key_is_valid(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = key[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_'))
            return false;
    }
    return len > 0 && len <= KEY_MAX;
}

/* One line without its end; false when it is none, or *memory is false. */
static bool parse_line(struct register_table *table, const char *line, size_t len, bool *memory)
{
    char key[KEY_MAX + 1];
    const char *equals = memchr(line, '=', len);
    if (equals == NULL || !register_key_is_valid(line, (size_t)(equals - line)))
        return false;
    size_t key_len = (size_t)(equals - line);
    const char *value = equals + 1;
    size_t value_len = len - key_len - 1;
    for (size_t i = 0; i < value_len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c < 0x20 || c == 0x7F)
            return false;
    }
    memcpy(key, line, key_len);
    key[key_len] = '\0';
    if (table->count == REGISTER_ENTRIES_MAX || find(table, key) != NULL)
        return false;
    *memory = insert(table, table->count, key, key_len, value, value_len);
    return *memory;
}

bool register_table_parse(struct register_table *table, const char *text, size_t len,
                          size_t *bad_line)
{
    size_t number = 1;
    bool memory = true;
    register_table_clear(table);
    for (size_t at = 0; at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - (text + at)) : len - at;
        if (!parse_line(table, text + at, line_len, &memory)) {
            *bad_line = memory ? number : 0;
            register_table_clear(table);
            return false;
        }
        at += line_len + 1;
    }
    return true;
}

void register_table_write(const struct register_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++)
        buf_printf(out, "%s=%s\n", table->entries[i].key, table->entries[i].value);
}
