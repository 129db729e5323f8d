#include "roles/wal_missing.h"

#include <stdbool.h>
#include <string.h>

#include "roles/wal.h"

/* A page of what the server has sent. */
static bool page(void *user, uint64_t lsn, unsigned char *bytes)
{
    const struct wal_stretch *stretch = user;
    if (lsn < stretch->lsn || lsn >= stretch->lsn + stretch->len)
        return false;
    memcpy(bytes, stretch->theirs + (lsn - stretch->lsn), stretch->page_bytes);
    return true;
}

enum wal_missing wal_find_missing(const struct wal_stretch *stretch, uint64_t *lsn)
{
    struct wal_end end;
    struct wal_stretch pages = *stretch;
    const uint64_t limit = stretch->lsn + stretch->len;
    const struct wal_other other = {stretch->lsn, stretch->len, stretch->mine};
    const struct wal_source source = {
        .system_identifier = stretch->system_identifier,
        .segment_bytes = stretch->segment_bytes,
        .page_bytes = stretch->page_bytes,
        .page = page,
        .user = &pages,
        .memory = stretch->memory,
        .other = &other,
        .known = true,
    };
    uint64_t first;
    if (!wal_first_record(&source, stretch->lsn, limit, &first) ||
        !wal_find_end(&source, first, UINT64_MAX, &end))
        return WAL_MISSING_UNTOLD;
    /* what is not all there, and is valid because zeros come behind it, is no record */
    bool is_cut = end.last_end > limit;
    if (end.differs == 0 || (is_cut && end.differs == end.last))
        return WAL_MISSING_NOTHING;
    *lsn = end.differs;
    return WAL_MISSING_RECORD;
}
