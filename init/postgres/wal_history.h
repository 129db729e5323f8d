#ifndef INIT_POSTGRES_WAL_HISTORY_H
#define INIT_POSTGRES_WAL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/sys/err.h"

/* A server whose WAL is wanted, over the switches of its timelines. */
struct wal_server {
    struct pg_client *client;
    int server;        /* of CLIENT: an open replication connection */
    uint32_t timeline; /* its present one, as its IDENTIFY_SYSTEM says */
    uint32_t segment_bytes;
};

/*
 * Takes SIZE bytes of its WAL from LSN on into BYTES: one wal_fetch for each timeline under whose number its history
 * has segments of there (roles/timeline_history.h timeline_history_holder), the newest first. *FROM is where what it
 * sent begins: LSN, or, with WHY, the beginning of a segment, where it has no longer what lies before; what is in
 * front of it in BYTES has no meaning. Fails with WHY where it sent nothing of the newest one (ERR_LATER).
 */
bool wal_history_fetch(const struct wal_server *server, uint64_t lsn, size_t size,
                       unsigned char *bytes, uint64_t *from, int64_t deadline_ns, struct err *why);

#endif
