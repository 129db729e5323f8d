#include "init/postgres/wal_compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roles/lsn.h"

/* A message of WAL is 16 pages at most, of 64 KiB at most (walsender.c MAX_SEND_SIZE), behind its head. */
#define MESSAGE_ROOM ((size_t)17 * 64 * 1024)
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
static bool take_piece(const struct pg_piece *piece, uint64_t begin, unsigned char *bytes,
                       size_t size, size_t *len)
{
    if (piece->len == 0 || piece->data[0] != 'w')
        return piece->len > 0 && piece->data[0] == 'k';
    if (piece->len < HEAD_BYTES || big_endian(piece->data + 1) != begin + *len)
        return false;
    size_t more = piece->len - HEAD_BYTES;
    if (more > size - *len)
        more = size - *len;
    memcpy(bytes + *len, piece->data + HEAD_BYTES, more);
    *len += more;
    return true;
}

struct question {
    struct pg_client *client;
    int server;
    const struct wal_tail *tail;
    int64_t deadline_ns;
};

/* The server's WAL from tail->begin to tail->end, SIZE bytes. */
static bool fetch(const struct question *question, unsigned char *bytes, size_t size,
                  struct pg_piece *piece, struct err *err)
{
    char lsn[LSN_TEXT_MAX];
    char command[96];
    struct pg_call call = {0};
    size_t len = 0;
    struct pg_client *client = question->client;
    int server = question->server;
    lsn_write(question->tail->begin, lsn);
    (void)snprintf(command, sizeof command, "START_REPLICATION PHYSICAL %s TIMELINE %" PRIu32, lsn,
                   question->tail->timeline);
    bool good =
        pg_stream_begin(client, server, command, &call, question->deadline_ns) &&
        pg_stream_next(client, server, &call, piece, question->deadline_ns) == PG_STREAM_COPY;
    while (good && len < size)
        good =
            pg_stream_next(client, server, &call, piece, question->deadline_ns) == PG_STREAM_DATA &&
            take_piece(piece, question->tail->begin, bytes, size, &len);
    if (good)
        pg_stream_end(client, server, &call, piece, question->deadline_ns);
    else
        pg_client_hang_up(client, server);
    pg_call_free(&call);
    return good || err_set(err, ERR_LATER, "its WAL from %s on timeline %" PRIu32 ": %.200s", lsn,
                           question->tail->timeline,
                           *call.message != '\0' ? call.message : "it was not sent in time");
}

void wal_compare(struct wal_compare_result *result, const struct wal_files_query *query,
                 uint64_t until, struct pg_client *client, int server, int64_t deadline_ns)
{
    struct wal_tail *tail = &result->tail;
    struct err *why = &result->why;
    bool known = false;
    *result = (struct wal_compare_result){.likeness = WAL_UNTOLD};
    if (!wal_files_find_tail(query, until, tail, &known, deadline_ns, why))
        return;
    if (!known) {
        err_set(why, ERR_LATER, "this volume has no whole record of WAL there");
        return;
    }
    const struct question question = {client, server, tail, deadline_ns};
    const size_t size = (size_t)(tail->end - tail->begin);
    unsigned char *bytes = malloc(size);
    struct pg_piece piece = {.data = malloc(MESSAGE_ROOM), .size = MESSAGE_ROOM};
    const struct wal_other other = {tail->begin, size, bytes};
    bool done = bytes != NULL && piece.data != NULL;
    if (!done)
        err_set(why, ERR_IO, "out of memory");
    done = done && fetch(&question, bytes, size, &piece, why) &&
           wal_files_compare(query, tail, &other, &result->differs, deadline_ns, why);
    if (done)
        result->likeness = result->differs != 0 ? WAL_DIFFERENT : WAL_ALIKE;
    free(bytes);
    free(piece.data);
}
