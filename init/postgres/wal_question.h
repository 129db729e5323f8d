#ifndef INIT_POSTGRES_WAL_QUESTION_H
#define INIT_POSTGRES_WAL_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/sys/err.h"

/* Does a server still have the WAL from LSN on, as a standby of TIMELINE would ask for it? */
struct wal_question {
    struct pg_target target; /* a replication connection */
    const char *who;
    uint32_t timeline;
    uint32_t segment_bytes;
    uint64_t lsn;
};

/*
 * Begins to stream there (wal_stream.h) and ends it with the first answer. A segment that was removed is answered by
 * 58P01 "requested WAL segment ... has already been removed" (xlogutils.c, walsender.c). A connection of its own.
 * ERR_LATER where there is no answer.
 */
bool wal_question_ask(const struct wal_question *question, bool *gone, int64_t deadline_ns,
                      struct err *err);

#endif
