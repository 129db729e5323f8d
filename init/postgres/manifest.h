#ifndef INIT_POSTGRES_MANIFEST_H
#define INIT_POSTGRES_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "init/postgres/clone_files.h"
#include "init/sys/err.h"

/*
 * A backup manifest (PostgreSQL 17 docs, 69; backup_manifest.c of 13 to 18), read while it comes, line by line: JSON
 * with one file a line, so that memory does not grow with it. Its own SHA-256 covers all up to the
 * last line. Each file is held against what was written.
 */
struct manifest;

/* What the manifest must agree with. */
struct manifest_expected {
    uint64_t system_identifier; /* version 2 (17 and later) tells it */
    uint32_t timeline;          /* of the backup's start */
    uint64_t start, end;        /* WAL that recovery needs; END 0: not known yet */
};

/* FILES are everything that was received. ERR_IO: out of memory. */
bool manifest_open(struct manifest **manifest, struct clone_files *files,
                   const struct manifest_expected *expected, struct err *err);
/* Every failure but memory is ERR_LATER: damaged on its way, or other than what was written; another
 * try settles it. The file is named. */
bool manifest_feed(struct manifest *manifest, const char *data, size_t len, struct err *err);
/* After the last byte: its checksum, no file too much. *end is where the WAL range of the backup ends. */
bool manifest_finish(struct manifest *manifest, uint64_t *end, struct err *err);
void manifest_close(struct manifest *manifest);

#endif
