#include "init/postgres/wal_question.h"

#include <stdlib.h>
#include <string.h>

#include "init/postgres/wal_stream.h"
#include "init/sys/clock.h"

/* How long a server may say nothing before that means that it has nothing to complain of: whoever waits at
 * the very end of the WAL hears nothing. */
#define QUIET_MS 500
#define UNDEFINED_FILE "58P01"

bool wal_question_ask(const struct wal_question *question, bool *gone, int64_t deadline_ns,
                      struct err *err)
{
    struct pg_client *client = NULL;
    struct pg_call call = {0};
    struct pg_piece piece = {.size = WAL_STREAM_MESSAGE_MAX};
    /* where the segment begins: there is something to be sent from there at once */
    uint64_t lsn = question->lsn - question->lsn % question->segment_bytes;
    *gone = false;
    if (!pg_client_open(&client, err))
        return false;
    piece.data = malloc(WAL_STREAM_MESSAGE_MAX);
    if (piece.data == NULL) {
        pg_client_close(client);
        return err_set(err, ERR_IO, "out of memory");
    }
    int server = pg_client_server(client, &question->target);
    enum pg_stream_part part =
        wal_stream_begin(client, server, question->timeline, lsn, &call, &piece, deadline_ns);
    if (part == PG_STREAM_COPY)
        part = pg_stream_next(client, server, &call, &piece, clock_part_ns(deadline_ns, QUIET_MS));
    bool told = part != PG_STREAM_FAILED;
    if (!told && call.answer == PG_ERROR) {
        *gone = strcmp(call.sqlstate, UNDEFINED_FILE) == 0;
        told = *gone;
    }
    if (!told)
        (void)pg_call_err(&call, question->who, err);
    free(piece.data);
    pg_call_free(&call);
    pg_client_close(client);
    return told;
}
