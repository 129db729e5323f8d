/* A register that is understood is written again byte for byte (but for the last line's end), and a change
 * of one key leaves all others as they are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/register/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_same(const struct register_table *table, const char *text, size_t size)
{
    struct buf out = buf_new(size + 1);
    register_table_write(table, &out);
    require(buf_ok(&out) && out.len >= size && memcmp(buf_text(&out), text, size) == 0);
    require(out.len == size || (out.len == size + 1 && out.data[size] == '\n'));
    buf_free(&out);
}

static void check_change(struct register_table *table, const char *text, size_t size)
{
    struct register_table old = {.entries = NULL};
    size_t line;
    require(register_table_parse(&old, text, size, &line));
    bool there = register_table_get(table, "seeded.3") != NULL;
    bool full = table->count == REGISTER_ENTRIES_MAX;
    require(register_table_set(table, "seeded.3", "now") == (there || !full));
    require(table->count == old.count + (there || full ? 0 : 1));
    for (size_t i = 0; i < old.count; i++) {
        const char *value = register_table_get(table, old.entries[i].key);
        bool changed = strcmp(old.entries[i].key, "seeded.3") == 0;
        require(value != NULL && strcmp(value, changed ? "now" : old.entries[i].value) == 0);
    }
    register_table_clear(&old);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct register_table table = {.entries = NULL};
    size_t line = SIZE_MAX;
    char *text = malloc(size + 1); /* its own, so that a byte too far is seen */
    require(text != NULL);
    memcpy(text, data, size);
    if (register_table_parse(&table, text, size, &line)) {
        check_same(&table, text, size);
        check_change(&table, text, size);
    } else {
        require(table.count == 0 && line > 0 && line <= size + 1);
    }
    register_table_clear(&table);
    free(text);
    return 0;
}
