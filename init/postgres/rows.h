#ifndef INIT_POSTGRES_ROWS_H
#define INIT_POSTGRES_ROWS_H

#include "init/postgres/client.h"
#include "init/sys/buf.h"

/* Rows while they come, one cell after the other, below a cap of 4 MiB. */
struct rows_builder {
    struct buf cells; /* of each: one byte, 'n' for NULL or 'v', then the text and its NUL */
    size_t rows, columns;
};

void rows_begin(struct rows_builder *builder, size_t columns);
/* TEXT NULL: SQL's NULL. */
void rows_add(struct rows_builder *builder, const char *text);
/* Moves them into ROWS (freed by pg_rows_free) and forgets them. False over the cap or out of memory. */
bool rows_finish(struct rows_builder *builder, struct pg_rows *rows);
void rows_drop(struct rows_builder *builder);
void pg_rows_free(struct pg_rows *rows);

#endif
