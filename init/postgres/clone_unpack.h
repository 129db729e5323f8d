#ifndef INIT_POSTGRES_CLONE_UNPACK_H
#define INIT_POSTGRES_CLONE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "init/postgres/clone_files.h"
#include "init/postgres/clone_spaces.h"
#include "init/sys/err.h"
#include "roles/tar_stream.h"

/*
 * An archive of a backup becomes files below a directory, and nowhere else: each component of a name is
 * opened below the one before it, a symbolic link is never followed, and nothing that is there is
 * overwritten but standby.signal. Checksums are taken on the way; what is written goes to the
 * disk early, so that the sync at the end is short.
 */
#define CLONE_UNPACK_PIECES 64
#define CLONE_UNPACK_PREFIX_MAX 32
#define CLONE_UNPACK_NAME_MAX (CLONE_UNPACK_PREFIX_MAX + TAR_STREAM_NAME_MAX)

struct clone_unpack {
    struct clone_files *files;
    const struct clone_spaces *spaces;
    bool group; /* the server's group may read: data_directory_mode 0750 */
    int root;   /* of the archive; the caller's */
    char prefix[CLONE_UNPACK_PREFIX_MAX]; /* of its names in the manifest: "", "pg_tblspc/16400/" */
    struct tar_stream tar;
    char parent_name[TAR_STREAM_NAME_MAX];
    int parent; /* the directory of the latest entry, -1: none */
    int file;   /* -1: none */
    uint32_t crc;
    uint64_t written, started; /* bytes of the file; those whose way to the disk was begun */
    struct iovec pieces[CLONE_UNPACK_PIECES];
    int piece_count;
};

/* FILES and SPACES are kept. */
void clone_unpack_open(struct clone_unpack *unpack, struct clone_files *files,
                       const struct clone_spaces *spaces, bool group);
void clone_unpack_close(struct clone_unpack *unpack);

/* Begins the archive of SPACE. */
bool clone_unpack_begin(struct clone_unpack *unpack, const struct clone_space *space,
                        struct err *err);
/* BYTES must stay as they are until clone_unpack_flush. ERR_LATER: damaged on its way; ERR_IO and
 * ERR_DENIED of the disk; ERR_REFUSED: an archive that no server sends. */
bool clone_unpack_feed(struct clone_unpack *unpack, struct span bytes, struct err *err);
/* Writes what was fed. */
bool clone_unpack_flush(struct clone_unpack *unpack, struct err *err);
/* The archive is over. */
bool clone_unpack_end(struct clone_unpack *unpack, struct err *err);

#endif
