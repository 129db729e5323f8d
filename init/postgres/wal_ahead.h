#ifndef INIT_POSTGRES_WAL_AHEAD_H
#define INIT_POSTGRES_WAL_AHEAD_H

#include <stdint.h>

#include "init/postgres/client.h"
#include "init/postgres/wal_files.h"
#include "init/sys/err.h"
#include "roles/wal_missing.h"

/* A standby of the timeline that a stopped primary's volume is on, or of another one of this number. */
struct wal_ahead {
    const struct wal_files_query *query; /* of the volume; START and PAST are not used */
    struct pg_client *client;
    int server;        /* of CLIENT: an open replication connection */
    uint32_t timeline; /* of both */
    uint64_t lsn;      /* where the standby's WAL ends, as its IDENTIFY_SYSTEM says */
};

/*
 * Has the standby a record that the volume has not, or has otherwise, among its last ones (roles/wal_missing.h)? *AT is
 * where the first such begins that was looked at. What ends at or before the last checkpoint's record is not asked for:
 * the volume has gone as far. Else the standby's last 64 KiB are, and where no whole record begins in them 1 MiB, then
 * 16 MiB (a segment that pg_switch_wal left empty; of larger segments the end), over the switches of timelines among
 * them (wal_history_fetch); nothing from before that checkpoint's page, which the volume's own recovery needs, too.
 * WAL_MISSING_UNTOLD with WHY: no answer by DEADLINE_NS,
 * or the files cannot be read. Only reads.
 */
enum wal_missing wal_ahead_find(const struct wal_ahead *ahead, uint64_t *at, int64_t deadline_ns,
                                struct err *why);

#endif
