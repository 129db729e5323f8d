#ifndef INIT_POSTGRES_CLONE_H
#define INIT_POSTGRES_CLONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/postgres/decompress.h"
#include "init/sys/err.h"

/*
 * A data directory from another server, by BASE_BACKUP of PostgreSQL 13 to 18 without WAL, which the standby
 * streams itself from the slot that was made first. It is made in PGDATA.clone, beside PGDATA, begun anew
 * each time, checked against the backup's manifest and synced; only clone_install makes it PGDATA. The
 * first file in it is standby.signal, so that no moment exists at which it could start as a primary, and the
 * last one backup_manifest. While it lasts PGDATA.ordain-cloning is touched each second.
 */
#define CLONE_STAGING_SUFFIX ".clone"
#define CLONE_PATH_MAX 4096

enum clone_compression { CLONE_AUTO, CLONE_NONE, CLONE_LZ4, CLONE_ZSTD };

struct clone_request {
    const char *pgdata;         /* an absolute path; its parent is there */
    struct pg_target upstream;  /* a replication connection */
    const char *upstream_name;  /* for sentences: "pg-1 (10.0.0.7)" */
    const char *slot;           /* dropped and made anew on the upstream, with reserved WAL */
    uint64_t system_identifier; /* 0: any */
    uint32_t least_timeline;    /* 0: any */
    int major;                  /* of the server here; 0: any */
    enum clone_compression
        compression;                /* AUTO: LZ4 where the server has it; one that it lacks: none */
    int max_rate_kb;                /* kB a second, 32 to 1048576; 0: no limit */
    const char *tablespace_mapping; /* "OLD=NEW,...", "" : none; clone_spaces.h */
    int64_t silence_ms; /* no byte for so long ends it; ten times as long until the first one,
                                        which comes after the upstream's checkpoint */
};

/* What was cloned; the times tell where the seconds went. */
struct clone_result {
    char staging[CLONE_PATH_MAX]; /* PGDATA.clone, whole */
    uint64_t system_identifier;
    uint32_t timeline;
    uint64_t start_lsn, end_lsn; /* WAL that recovery needs; it is consistent at END_LSN */
    int server_version;          /* 150018 */
    enum compression compression;
    uint64_t files, bytes, received_bytes;
    int64_t prepare_ns, checkpoint_ns, stream_ns, sync_ns;
};

/*
 * Makes PGDATA.clone. It waits as long as bytes come: no deadline. Kinds of failure: ERR_REFUSED another system
 * identifier, an upstream with damaged pages, an archive that no server sends; ERR_LATER everything that
 * another try may settle: cut off, silent, damaged on its way, the slot in use or lost, an older timeline;
 * ERR_DENIED rights; ERR_CONFIG TLS, another major, a tablespace without mapping; ERR_IO the disk here.
 * After a failure nothing is left, after a kill what the next call removes.
 */
bool clone_fetch(const struct clone_request *request, struct clone_result *result, struct err *err);

/* Makes PGDATA.clone PGDATA, which must be absent or an empty directory (else ERR_REFUSED) and no mount point
 * (else ERR_CONFIG); its tablespaces before it. A kill leaves what the next clone_fetch removes, or PGDATA
 * whole. */
bool clone_install(const char *pgdata, struct err *err);

/* Removes what an earlier clone left beside PGDATA, and of its tablespaces. */
bool clone_discard(const char *pgdata, struct err *err);

#endif
