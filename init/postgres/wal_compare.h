#ifndef INIT_POSTGRES_WAL_COMPARE_H
#define INIT_POSTGRES_WAL_COMPARE_H

#include <stdint.h>

#include "init/postgres/client.h"
#include "init/postgres/wal_files.h"
#include "init/sys/err.h"

/*
 * Is the end of a pod's own WAL the same as another server's WAL there? Two databases that wrote on one timeline,
 * as when one of them is an old volume or a copy, have equal identifiers and timelines, and positions that may
 * fit; pg_rewind takes them for one. What the bytes prove: roles/wal.h.
 */
enum wal_likeness {
    WAL_UNTOLD, /* no answer, no whole record of mine, or the other has removed its WAL of there */
    WAL_ALIKE,  /* all that was compared is equal */
    WAL_DIFFERENT, /* from DIFFERS on there is another record */
};

struct wal_compare_result {
    enum wal_likeness likeness;
    struct wal_tail tail; /* what was compared; nothing where WAL_UNTOLD came before */
    uint64_t differs;
    struct err why; /* of WAL_UNTOLD */
};

/*
 * Compares the last records before UNTIL in query->pgdata with those of SERVER, an open replication connection
 * of CLIENT: one START_REPLICATION from where they begin, on the timeline of my own segment (a server whose
 * timeline is a later one sends that one's WAL as far as its history goes; PostgreSQL 17 docs, 54.4); 1 MiB at
 * most is used, and the connection goes on where the server ends the stream in time. Never fails, only reads.
 */
void wal_compare(struct wal_compare_result *result, const struct wal_files_query *query,
                 uint64_t until, struct pg_client *client, int server, int64_t deadline_ns);

#endif
