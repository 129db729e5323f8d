#ifndef ROLES_CONTROL_FILE_H
#define ROLES_CONTROL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * global/pg_control: what a stopped (or running) server knows of itself. Fields, offsets and
 * meaning: struct ControlFileData of src/include/catalog/pg_control.h, PostgreSQL 13.23 to 18.4
 * (64-bit, little-endian).
 */

/* What is read of the file, whose rest is zeros: PG_CONTROL_MAX_SAFE_SIZE, which a server writes at
 * once. */
#define CONTROL_FILE_BYTES 512

/* enum DBState, with the values on disk. A clean stop is SHUT_DOWN or SHUT_DOWN_IN_RECOVERY. */
enum control_file_state {
    CONTROL_FILE_STARTUP = 0, /* made by initdb, never started */
    CONTROL_FILE_SHUT_DOWN = 1,
    CONTROL_FILE_SHUT_DOWN_IN_RECOVERY = 2,
    CONTROL_FILE_SHUTTING_DOWN = 3,
    CONTROL_FILE_IN_CRASH_RECOVERY = 4,
    CONTROL_FILE_IN_ARCHIVE_RECOVERY = 5, /* a standby */
    CONTROL_FILE_IN_PRODUCTION = 6,       /* a primary */
};

struct control_file {
    uint64_t system_identifier;
    uint32_t version; /* pg_control_version: 1300 for 13 to 16, 1700, 1800 */
    uint32_t catalog_version;
    enum control_file_state state;
    int64_t time;           /* of the last change, seconds since 1970 */
    uint64_t checkpoint;    /* where the last checkpoint record (a standby: restartpoint) begins */
    uint64_t redo;          /* where recovery from it begins */
    uint32_t timeline;      /* the checkpoint's; see control_file_timeline */
    uint32_t prev_timeline; /* the one that it forked off, when the record begins a timeline */
    uint64_t min_recovery;  /* a standby is consistent from here on; 0: none */
    uint32_t min_recovery_timeline;
    uint64_t backup_start;    /* not 0: recovery from a base backup is under way */
    uint64_t backup_end;      /* where it ends, when it was taken from a standby */
    bool backup_end_required; /* an end-of-backup record is still awaited */
    uint32_t wal_level;       /* 0 minimal, 1 replica, 2 logical */
    bool wal_log_hints;
    /* The limits that a standby must not go below. */
    uint32_t max_connections, max_worker_processes, max_wal_senders, max_prepared_xacts,
        max_locks_per_xact;
    uint32_t block_bytes;
    uint32_t wal_block_bytes;
    uint32_t segment_bytes;    /* of a WAL file: a power of two, 1 MB to 1 GB */
    uint32_t checksum_version; /* 0: data pages carry no checksums */
};

enum control_file_status {
    CONTROL_FILE_OK,
    CONTROL_FILE_TOO_SHORT,      /* fewer than CONTROL_FILE_BYTES */
    CONTROL_FILE_FOREIGN_ENDIAN, /* written by a machine of the other byte order */
    CONTROL_FILE_BAD_CRC, /* damaged; or of an unknown version and no layout's checksum fits */
    CONTROL_FILE_UNKNOWN_LAYOUT, /* an unknown version, and more than one checksum fits, or the
                                    fields that never change their value are not where 13 to 18 have
                                    them */
    CONTROL_FILE_IMPLAUSIBLE,    /* the checksum fits, but a size or the state cannot be */
};

/*
 * Reads BYTES, the file's beginning. A version that is not known is read when its checksum stands
 * at exactly one place behind the fields above and the fixed fields beside them (maxAlign,
 * floatFormat) are where they were. *CONTROL is written only on CONTROL_FILE_OK.
 */
enum control_file_status control_file_parse(struct control_file *control,
                                            const unsigned char *bytes, size_t len);

/* The node's timeline: the higher of the checkpoint's and the minimum recovery point's, which leads
 * from a promotion until the next checkpoint (pg_rewind.c of 16 does the same). */
uint32_t control_file_timeline(const struct control_file *control);

/* True when the server stopped in order: nothing was written behind the last checkpoint. */
bool control_file_is_clean(const struct control_file *control);

/* As pg_controldata says it: "in production". */
const char *control_file_state_name(enum control_file_state state);

#endif
