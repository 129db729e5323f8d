#ifndef ROLES_BACKUP_STREAM_H
#define ROLES_BACKUP_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "roles/text.h"

/*
 * The one COPY OUT of a BASE_BACKUP of PostgreSQL 15 and later: each CopyData message begins with a
 * byte that tells its kind (PostgreSQL 17 docs, 53.4 BASE_BACKUP;
 * src/backend/backup/basebackup_copy.c). 13 and 14 send each archive and the manifest as a COPY OUT
 * of its own, bytes alone.
 */
enum backup_stream_kind {
    BACKUP_STREAM_ARCHIVE,  /* 'n': an archive begins; the one before it, if any, is complete */
    BACKUP_STREAM_MANIFEST, /* 'm': the manifest begins; all archives are complete */
    BACKUP_STREAM_DATA,     /* 'd': bytes of what began last */
    BACKUP_STREAM_PROGRESS, /* 'p': bytes that the server has done so far, of all archives */
};

struct backup_stream_message {
    enum backup_stream_kind kind;
    const char *archive;    /* "base.tar", "16384.tar.lz4": no path */
    const char *tablespace; /* the tablespace's path on the server, "" for the main one */
    struct span data;
    uint64_t progress_bytes;
};

/* What has come; zero at the beginning. */
struct backup_stream {
    bool in_archive, in_manifest;
};

/*
 * Reads one CopyData message; *message points into BYTES. False for what no server sends: an
 * unknown kind, a malformed message, data of nothing, an archive or a second manifest behind the
 * manifest, an archive's name that is a path. STREAM is then unusable.
 */
bool backup_stream_take(struct backup_stream *stream, struct span bytes,
                        struct backup_stream_message *message);

#endif
