#ifndef INIT_POSTGRES_WAL_COMPARE_H
#define INIT_POSTGRES_WAL_COMPARE_H

#include <stdint.h>

#include "init/postgres/wal_files.h"
#include "init/postgres/wal_history.h"
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
    /* What was compared; of WAL_UNTOLD: what would have been, nothing (END 0) where this pod has no whole record. */
    struct wal_tail tail;
    uint64_t differs;
    struct err why; /* of WAL_UNTOLD */
};

/*
 * Compares the last records before UNTIL in query->pgdata, 1 MiB at most, with what SERVER has there
 * (wal_history_fetch). Where timelines were switched among them the server may have removed its WAL of before: then
 * those from the first segment of the newer timeline on are compared, which has the switch, so that two promotions that
 * gave one number to two timelines are told apart by what each wrote first, an end of recovery with its time.
 * Never fails, only reads.
 */
void wal_compare(struct wal_compare_result *result, const struct wal_files_query *query,
                 uint64_t until, const struct wal_server *server, int64_t deadline_ns);

#endif
