#ifndef ROLES_WAL_H
#define ROLES_WAL_H

#include <stdbool.h>
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

struct wal_source {
    /* Of the control file. */
    uint64_t system_identifier;
    uint32_t segment_bytes, page_bytes; /* page_bytes at most WAL_PAGE_MAX */
    /* Reads the page that begins at LSN into PAGE (page_bytes); false: there is none, the WAL ends.
     * The first page of the segment that the walk begins in comes first, then pages in order. */
    bool (*page)(void *user, uint64_t lsn, unsigned char *page);
    void *user;
    unsigned char *memory; /* page_bytes for the walk's use */
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
    uint64_t records;  /* how many are valid */
    uint32_t timeline; /* of the page that the last one ends on; 0: none */
    bool shutdown;     /* the last one is a shutdown checkpoint: the server stopped in order */
    enum wal_stop stop;
};

/*
 * Walks from the record at START (the control file's checkpoint, or redo) until what follows is not
 * valid or the end is greater than PAST (UINT64_MAX: never). False when not even the record at
 * START is valid: then nothing is known.
 */
bool wal_find_end(const struct wal_source *source, uint64_t start, uint64_t past,
                  struct wal_end *end);

#endif
