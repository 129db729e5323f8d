#ifndef INIT_POSTGRES_WAL_FILES_H
#define INIT_POSTGRES_WAL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "init/sys/err.h"
#include "roles/control_file.h"
#include "roles/wal.h"

/* What to look for in a stopped server's pg_wal. */
struct wal_files_query {
    const char *pgdata;
    const struct control_file *control;
    uint64_t start; /* a record: control->checkpoint; with a backup_label, that one's checkpoint */
    /* Segments of newer timelines are left alone. control_file_timeline() for a former primary,
     * whose crash recovery would read no other either; UINT32_MAX for a standby, which follows the
     * newest. */
    uint32_t newest_timeline;
    uint64_t past; /* how far is far enough (roles/wal.h); UINT64_MAX: all */
};

/*
 * Finds the end of the valid WAL under PGDATA/pg_wal, each segment in the newest timeline that has
 * it (xlogrecovery.c XLogFileReadAnyTLI does the same). *KNOWN is false where not even the record
 * at start is valid; END tells why and nothing more. Fails where files cannot be read (ERR_IO,
 * ERR_DENIED) and at the deadline (ERR_LATER). 1 GB takes about half a second. Only reads.
 */
bool wal_files_find_end(const struct wal_files_query *query, struct wal_end *end, bool *known,
                        int64_t deadline_ns, struct err *err);

/* Valid records that follow each other, from BEGIN to END. */
struct wal_tail {
    uint64_t begin, end;
    bool dated; /* one of them tells a time: what that proves, roles/wal.h */
};

/* The last records before UNTIL (query's START and PAST are not used): those of 64 KiB, or of WAL_TAIL_MAX
 * where none of these tells a time. END is less than UNTIL where a record in between is damaged;
 * *KNOWN is false where there is none, as in a fresh clone. Fails as wal_files_find_end does. */
#define WAL_TAIL_MAX ((uint64_t)1 << 20)
bool wal_files_find_tail(const struct wal_files_query *query, uint64_t until, struct wal_tail *tail,
                         bool *known, int64_t deadline_ns, struct err *err);

/* Walks over TAIL and compares it with what another server has there: END is of that walk. Fails as
 * wal_files_find_end does. */
bool wal_files_compare(const struct wal_files_query *query, const struct wal_tail *tail,
                       const struct wal_other *other, struct wal_end *end, int64_t deadline_ns,
                       struct err *err);

/* What lies in the files from LSN on: LEN bytes, whole pages, valid or not; zeros where there is no such page (query's
 * START and PAST are not used). Fails as wal_files_find_end does. */
bool wal_files_read(const struct wal_files_query *query, uint64_t lsn, unsigned char *bytes,
                    size_t len, int64_t deadline_ns, struct err *err);

/* The newest timeline of which PGDATA/pg_wal has the segment with the byte before LSN, which for a running
 * standby is the one that it follows, or followed last: its control file may lag behind. 0: there is none. */
uint32_t wal_files_timeline_at(const char *pgdata, uint32_t segment_bytes, uint64_t lsn);

#endif
