#include "init/postgres/wal_ahead.h"

#include <stdlib.h>

#include "init/postgres/wal_history.h"

/* The checkpoint's record is there for sure: the file that names it was written after it. */
static bool is_reached(const struct wal_ahead *ahead, int64_t deadline_ns)
{
    struct wal_files_query query = *ahead->query;
    struct wal_end end;
    struct err ignored;
    bool known = false;
    query.start = query.past = query.control->checkpoint;
    if (ahead->lsn <= query.start)
        return true;
    return wal_files_find_end(&query, &end, &known, deadline_ns, &ignored) && known &&
           ahead->lsn <= end.end;
}

/* The end of what the standby has, from FROM on, a page's beginning, where THEIRS and MINE begin. */
static enum wal_missing find_missing(const struct wal_ahead *ahead, uint64_t from,
                                     const unsigned char *theirs, const unsigned char *mine,
                                     uint64_t *at, struct err *why)
{
    unsigned char memory[WAL_PAGE_MAX];
    const struct control_file *control = ahead->query->control;
    const struct wal_stretch stretch = {
        .system_identifier = control->system_identifier,
        .segment_bytes = control->segment_bytes,
        .page_bytes = control->wal_block_bytes,
        .lsn = from,
        .len = (size_t)(ahead->lsn - from),
        .theirs = theirs,
        .mine = mine,
        .memory = memory,
    };
    enum wal_missing missing = wal_find_missing(&stretch, at);
    if (missing == WAL_MISSING_UNTOLD)
        err_set(why, ERR_LATER, "no whole record begins in its last %zu bytes", stretch.len);
    return missing;
}

/* Compares what both have from LSN, a page's beginning, to the end of what the standby has. */
static enum wal_missing compare(const struct wal_ahead *ahead, uint64_t lsn, uint64_t *at,
                                int64_t deadline_ns, struct err *why)
{
    const struct control_file *control = ahead->query->control;
    const size_t len = (size_t)(ahead->lsn - lsn);
    const size_t room = len + (control->wal_block_bytes - len % control->wal_block_bytes) %
                                  control->wal_block_bytes;
    const struct wal_server server = {ahead->client, ahead->server, ahead->timeline,
                                      control->segment_bytes};
    unsigned char *theirs = calloc(1, room);
    unsigned char *mine = calloc(1, room);
    uint64_t from;
    enum wal_missing missing = WAL_MISSING_UNTOLD;
    if (theirs == NULL || mine == NULL)
        err_set(why, ERR_IO, "out of memory");
    else if (wal_history_fetch(&server, lsn, len, theirs, &from, deadline_ns, why) &&
             wal_files_read(ahead->query, lsn, mine, room, deadline_ns, why))
        missing = find_missing(ahead, from, theirs + (from - lsn), mine + (from - lsn), at, why);
    free(theirs);
    free(mine);
    return missing;
}

enum wal_missing wal_ahead_find(const struct wal_ahead *ahead, uint64_t *at, int64_t deadline_ns,
                                struct err *why)
{
    static const uint64_t spans[] = {(uint64_t)64 << 10, (uint64_t)1 << 20, (uint64_t)16 << 20};
    const struct control_file *control = ahead->query->control;
    enum wal_missing missing = WAL_MISSING_UNTOLD;
    if (ahead->lsn == 0 || is_reached(ahead, deadline_ns))
        return WAL_MISSING_NOTHING;
    for (size_t i = 0; i < sizeof spans / sizeof *spans && missing == WAL_MISSING_UNTOLD; i++) {
        uint64_t lsn = ahead->lsn > spans[i] ? ahead->lsn - spans[i] : 0;
        if (lsn < control->checkpoint)
            lsn = control->checkpoint;
        missing = compare(ahead, lsn - lsn % control->wal_block_bytes, at, deadline_ns, why);
    }
    return missing;
}
