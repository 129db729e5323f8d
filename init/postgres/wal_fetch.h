#ifndef INIT_POSTGRES_WAL_FETCH_H
#define INIT_POSTGRES_WAL_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/sys/err.h"

/* SIZE bytes of a server's WAL, from LSN on. */
struct wal_fetch {
    struct pg_client *client;
    int server;        /* of CLIENT: a replication connection */
    uint32_t timeline; /* under whose number it has the segments of there */
    uint64_t lsn;
    size_t size;
};

/*
 * Takes them into BYTES by one START_REPLICATION (wal_stream.h), which a standby serves as well (hot_standby is on); the
 * connection goes on where the server ends the stream in time. What the server has removed, or has not yet, fails:
 * ERR_LATER, and so does one that sends everything but WAL until DEADLINE_NS.
 */
bool wal_fetch(const struct wal_fetch *fetch, unsigned char *bytes, int64_t deadline_ns,
               struct err *err);

#endif
