#ifndef ROLES_WAL_MISSING_H
#define ROLES_WAL_MISSING_H

#include <stddef.h>
#include <stdint.h>

/*
 * The same stretch of WAL twice: as another server sent it, and what lies there on a volume. Does the server have a
 * record that the volume has not?
 *
 * Only a whole valid record is one (roles/wal.h). A primary flushes whole pages in the background and sends what it
 * has flushed (xlog.c XLogBackgroundFlush, walsender.c), so it may die when its standbys have half a record; its
 * recovery leaves that out and goes on behind it, or in its place (13.4 and older). No row is lost by that, and it is
 * no proof of anything.
 */
struct wal_stretch {
    uint64_t system_identifier; /* known to be both's; as in struct wal_source, like the sizes */
    uint32_t segment_bytes, page_bytes;
    uint64_t lsn; /* a page's beginning */
    size_t len;   /* of what the server has sent, to the end of what it has */
    /* Whole pages: zeros behind LEN, and in MINE where the volume has none. */
    const unsigned char *theirs, *mine;
    unsigned char *memory; /* page_bytes for the walk's use */
};

enum wal_missing {
    WAL_MISSING_NOTHING, /* the volume has every whole record that begins in the stretch */
    WAL_MISSING_RECORD,  /* it has not, or has another one, at *LSN */
    WAL_MISSING_UNTOLD,  /* no whole record begins there: a long one, or what a switch left empty */
};

enum wal_missing wal_find_missing(const struct wal_stretch *stretch, uint64_t *lsn);

#endif
