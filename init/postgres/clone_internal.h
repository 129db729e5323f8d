#ifndef INIT_POSTGRES_CLONE_INTERNAL_H
#define INIT_POSTGRES_CLONE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "init/postgres/clone.h"
#include "init/postgres/clone_files.h"
#include "init/postgres/clone_ring.h"
#include "init/postgres/clone_spaces.h"
#include "init/postgres/manifest.h"
#include "init/sys/progress.h"

/* One clone under way. The thread that receives owns all but the ring, what `written` says and, until it
 * is joined, the writer's part. */
struct clone {
    const struct clone_request *request;
    struct clone_result *result;

    /* the upstream: clone_source.c */
    struct pg_client *client;
    int server;
    struct pg_call call;
    enum compression compression;
    bool group; /* data_directory_mode 0750 */

    /* here: clone_staging.c */
    char staging[CLONE_PATH_MAX], mark[CLONE_PATH_MAX];
    int root; /* the staging directory */
    int mark_file;
    struct clone_spaces spaces;

    /* the two threads: clone_receive.c, clone_write.c */
    struct clone_ring ring;
    struct clone_files *files;
    struct manifest *manifest;
    atomic_uint_fast64_t written; /* bytes of the archives that the writer has seen */
    struct err write_err;         /* the writer's, once it has stopped the ring */
    struct progress progress;
    char progress_text[300];
    int64_t beat_ns, heard_ns; /* the mark's latest touch, the latest byte */
};

/* ---- clone_source.c: the conversation with the upstream */

/* Connects, asks who it is, makes the slot. */
bool clone_source_open(struct clone *clone, struct err *err);
/* Sends BASE_BACKUP and reads what comes before the data: where it starts, the tablespaces. */
bool clone_source_begin(struct clone *clone, struct err *err);
/* After the data, with the row that came behind it in the call: where it ends, and whether the slot still holds the WAL from its start. */
bool clone_source_end(struct clone *clone, struct err *err);
/* The next part of the backup; touches the mark meanwhile and ends a silence longer than LIMIT_MS.
 * PG_STREAM_FAILED sets ERR. */
enum pg_stream_part clone_source_next(struct clone *clone, struct pg_piece *piece, int64_t limit_ms,
                                      struct err *err);

/* ---- clone_staging.c: directories and files beside PGDATA */

bool clone_staging_paths(struct clone *clone, struct err *err);
bool clone_staging_mark(struct clone *clone, struct err *err);
/* Touches the mark where a second has gone by. */
void clone_staging_beat(struct clone *clone);
/* Space, the directories, standby.signal. */
bool clone_staging_make(struct clone *clone, struct err *err);
/* All is written: to the disk with it, backup_manifest last. */
bool clone_staging_finish(struct clone *clone, struct err *err);
void clone_staging_close(struct clone *clone);

/* ---- clone_receive.c, clone_write.c */

/* The data, until the last byte is written and the row behind it has come. */
bool clone_receive(struct clone *clone, struct err *err);
/* The thread that writes; its argument is the clone. */
void *clone_write(void *clone);

#endif
