#ifndef ROLES_WAL_H
#define ROLES_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where the valid WAL of a stopped server ends: what its recovery would replay, found without it.
 * Pages: src/include/access/xlog_internal.h; records: xlogrecord.h; what makes them valid:
 * src/backend/access/transam/xlogreader.c (XLogReaderValidatePageHeader, XLogDecodeNextRecord),
 * PostgreSQL 13 to 18, whose page magics are 0xD106, 0xD10D, 0xD110, 0xD113, 0xD116 and 0xD118. The
 * first page's magic must be the others' too; one that is not known is no failure, since records
 * carry checksums.
 */
#define WAL_PAGE_MAX 65536

/* What another server has from LSN on. */
struct wal_other {
    uint64_t lsn;
    size_t len;
    const unsigned char *bytes;
};

struct wal_source {
    /* Of the control file. */
    uint64_t system_identifier;
    uint32_t segment_bytes, page_bytes; /* page_bytes at most WAL_PAGE_MAX */
    /* Reads the page that begins at LSN into PAGE (page_bytes); false: there is none, the WAL ends.
     * The first page of the segment that the walk begins in comes first (it alone tells whose WAL it is),
     * unless that is KNOWN; then pages in order. */
    bool (*page)(void *user, uint64_t lsn, unsigned char *page);
    void *user;
    unsigned char *memory;         /* page_bytes for the walk's use */
    const struct wal_other *other; /* each record is compared with it; NULL: with nothing */
    bool known;
};

/* Why a walk stopped. Every one but the last is how a WAL ends. */
enum wal_stop {
    WAL_STOP_NO_PAGE,   /* the source has no more */
    WAL_STOP_BAD_PAGE,  /* zeros, an older page of a recycled segment, another cluster's */
    WAL_STOP_NO_RECORD, /* zeros, or no record that follows the last one: where a server stopped */
    WAL_STOP_BAD_CRC,   /* a record that was half written */
    WAL_STOP_CUT,       /* a record whose continuation is not on the next page */
    WAL_STOP_PAST,      /* the end lies past what was asked for, how far is not known */
};

struct wal_end {
    /* Behind the last valid record, aligned: what the server calls EndRecPtr, where a promotion
     * would fork off. Where no record is valid, the walk's start. */
    uint64_t end;
    uint64_t last;     /* where the last valid record begins; 0: none */
    uint64_t last_end; /* behind its last byte, before alignment or what a switch leaves empty */
    uint64_t records;  /* how many are valid */
    uint32_t timeline; /* of the page that the last one ends on; 0: none */
    bool shutdown;     /* the last one is a shutdown checkpoint: the server stopped in order */
    uint64_t dated;    /* where the last valid one begins that tells a time; 0: none */
    uint64_t differs;  /* where the first valid one begins that source->other has not; 0: none */
    enum wal_stop stop;
};

/*
 * Walks from the record at START (the control file's checkpoint, or redo) until what follows is not
 * valid or the end is greater than PAST (UINT64_MAX: never). False when not even the record at
 * START is valid: then nothing is known.
 */
bool wal_find_end(const struct wal_source *source, uint64_t start, uint64_t past,
                  struct wal_end *end);

/*
 * Where the first record begins on the page at LSN or, where one that began before goes on so long, on a later
 * one; false when it is not found before LIMIT. A place, not yet a valid record: wal_find_end tells.
 */
bool wal_first_record(const struct wal_source *source, uint64_t lsn, uint64_t limit,
                      uint64_t *first);

/*
 * What a comparison with another server's WAL proves (END of a walk whose source had one). Only valid records
 * count: their bytes, which the checksum covers, and not pages' headers, padding, or what a recycled segment
 * has behind the end; so a damaged page of mine is no difference.
 *
 * A difference proves two histories: WAL is never changed once it was sent. Equality up to my end proves one
 * history where the walk met a record with a time in it (the end of a transaction, to the microsecond; a
 * checkpoint): two servers that wrote apart since some earlier place would have to have written records of
 * equal length all along and that one at the same moment. Without one it proves that the bytes compared are equal.
 */

#endif
