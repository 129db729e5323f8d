#include "init/postgres/rows.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_CAP ((size_t)4 << 20)

void rows_begin(struct rows_builder *builder, size_t columns)
{
    if (builder->cells.cap == 0)
        builder->cells = buf_new(ROWS_CAP);
    buf_clear(&builder->cells);
    builder->rows = 0;
    builder->columns = columns;
}

void rows_add(struct rows_builder *builder, const char *text)
{
    buf_add(&builder->cells, text != NULL ? "v" : "n", 1);
    if (text != NULL)
        buf_add_text(&builder->cells, text);
    buf_add(&builder->cells, "", 1);
}

/* Pointers first, the texts behind them. */
bool rows_finish(struct rows_builder *builder, struct pg_rows *rows)
{
    size_t count = builder->rows * builder->columns;
    size_t pointers = count * sizeof(char *);
    pg_rows_free(rows);
    bool whole = builder->cells.cap == 0 || buf_ok(&builder->cells);
    char **values = whole ? malloc(pointers + builder->cells.len + 1) : NULL;
    if (values == NULL)
        return false;
    char *text = (char *)values + pointers;
    if (builder->cells.len > 0)
        memcpy(text, builder->cells.data, builder->cells.len);
    for (size_t i = 0; i < count; i++) {
        values[i] = *text == 'v' ? text + 1 : NULL;
        text += strlen(text) + 1;
    }
    *rows = (struct pg_rows){builder->rows, builder->columns, values};
    rows_drop(builder);
    return true;
}

void rows_drop(struct rows_builder *builder)
{
    buf_free(&builder->cells);
    *builder = (struct rows_builder){.rows = 0};
}

void pg_rows_free(struct pg_rows *rows)
{
    free(rows->values);
    *rows = (struct pg_rows){.count = 0};
}
