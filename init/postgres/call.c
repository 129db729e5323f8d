#include <string.h>

#include "init/postgres/client.h"
#include "init/postgres/rows.h"

struct pg_call pg_call_new(int server, const char *command)
{
    return (struct pg_call){.server = server, .command = command, .answer = PG_SILENT};
}

void pg_call_free(struct pg_call *call)
{
    pg_rows_free(&call->rows);
}

void pg_calls_free(struct pg_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pg_call_free(&calls[i]);
}

static const char *cell(const struct pg_call *call, size_t row, size_t column)
{
    const struct pg_rows *rows = &call->rows;
    return row < rows->count && column < rows->columns ? rows->values[row * rows->columns + column]
                                                       : NULL;
}

const char *pg_call_value(const struct pg_call *call, size_t row, size_t column)
{
    const char *value = cell(call, row, column);
    return value != NULL ? value : "";
}

bool pg_call_is_null(const struct pg_call *call, size_t row, size_t column)
{
    return cell(call, row, column) == NULL;
}

bool pg_call_err(const struct pg_call *call, const char *who, struct err *err)
{
    enum err_kind kind = ERR_LATER;
    if (call->answer == PG_DENIED)
        kind = ERR_DENIED;
    else if (call->answer == PG_UNTRUSTED)
        kind = ERR_CONFIG;
    return err_set(err, kind, "%s: %s", who, *call->message != '\0' ? call->message : "no answer");
}
