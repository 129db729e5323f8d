#include "init/postgres/wal_fetch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/wal_stream.h"
#include "init/sys/clock.h"
#include "roles/lsn.h"

/* 'w', where the data begins, where the server's WAL ends, its clock (protocol docs 17, 53.4, XLogData). */
#define HEAD_BYTES 25

static uint64_t big_endian(const char *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

/* What of PIECE continues what was read; false: it does not. A keepalive ('k') says nothing of WAL. */
static bool take_piece(const struct wal_fetch *fetch, const struct pg_piece *piece,
                       unsigned char *bytes, size_t *len)
{
    if (piece->len == 0 || piece->data[0] != 'w')
        return piece->len > 0 && piece->data[0] == 'k';
    if (piece->len < HEAD_BYTES || big_endian(piece->data + 1) != fetch->lsn + *len)
        return false;
    size_t more = piece->len - HEAD_BYTES;
    if (more > fetch->size - *len)
        more = fetch->size - *len;
    memcpy(bytes + *len, piece->data + HEAD_BYTES, more);
    *len += more;
    return true;
}

/* A peer that always has something to say is not listened to for longer, either. */
static bool take_all(const struct wal_fetch *fetch, struct pg_call *call, struct pg_piece *piece,
                     unsigned char *bytes, int64_t deadline_ns)
{
    size_t len = 0;
    bool good = true;
    while (good && len < fetch->size)
        good = !clock_expired(deadline_ns) &&
               pg_stream_next(fetch->client, fetch->server, call, piece, deadline_ns) ==
                   PG_STREAM_DATA &&
               take_piece(fetch, piece, bytes, &len);
    return good;
}

bool wal_fetch(const struct wal_fetch *fetch, unsigned char *bytes, int64_t deadline_ns,
               struct err *err)
{
    char lsn[LSN_TEXT_MAX];
    struct pg_call call = {0};
    struct pg_piece piece = {.data = malloc(WAL_STREAM_MESSAGE_MAX),
                             .size = WAL_STREAM_MESSAGE_MAX};
    if (piece.data == NULL)
        return err_set(err, ERR_IO, "out of memory");
    bool good = wal_stream_begin(fetch->client, fetch->server, fetch->timeline, fetch->lsn, &call,
                                 &piece, deadline_ns) == PG_STREAM_COPY &&
                take_all(fetch, &call, &piece, bytes, deadline_ns);
    if (good)
        pg_stream_end(fetch->client, fetch->server, &call, &piece, deadline_ns);
    else {
        lsn_write(fetch->lsn, lsn);
        pg_client_hang_up(fetch->client, fetch->server);
        err_set(err, ERR_LATER, "its WAL from %s on timeline %" PRIu32 ": %.200s", lsn,
                fetch->timeline, *call.message != '\0' ? call.message : "it was not sent in time");
    }
    pg_call_free(&call);
    free(piece.data);
    return good;
}
