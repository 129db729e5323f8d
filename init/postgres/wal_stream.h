#ifndef INIT_POSTGRES_WAL_STREAM_H
#define INIT_POSTGRES_WAL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"

/* A message of WAL is 16 pages at most, of 64 KiB at most (walsender.c MAX_SEND_SIZE), behind its head. */
#define WAL_STREAM_MESSAGE_MAX ((size_t)17 * 64 * 1024)

/*
 * Asks SERVER, a replication connection of CLIENT, for its WAL from LSN on by START_REPLICATION without a slot, which
 * holds nothing there (PostgreSQL 17 docs, 54.4), and takes the first part of the answer: PG_STREAM_COPY where it
 * streams. PIECE has room for WAL_STREAM_MESSAGE_MAX. TIMELINE is one of the server's history, and the one under whose
 * number it has the segment (roles/timeline_history.h timeline_history_holder); what it has not is 58P01,
 * "requested WAL segment ... has already been removed".
 */
enum pg_stream_part wal_stream_begin(struct pg_client *client, int server, uint32_t timeline,
                                     uint64_t lsn, struct pg_call *call, struct pg_piece *piece,
                                     int64_t deadline_ns);

#endif
