#ifndef INIT_POSTGRES_CLONE_SPACES_H
#define INIT_POSTGRES_CLONE_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/postgres/client.h"

/* The tablespaces of a backup, each with where it goes: the data directory itself, and others by
 * ORDAIN_PG_TABLESPACE_MAPPING. In the order of the server's list, which 13 and 14 send the archives in. */
#define CLONE_SPACES_MAX 64
#define CLONE_SPACE_PATH_MAX 1024

struct clone_space {
    char oid[12];                        /* "" : the data directory */
    char location[CLONE_SPACE_PATH_MAX]; /* on the server */
    char target[CLONE_SPACE_PATH_MAX]; /* where it is to be here; it is unpacked to TARGET.clone */
    uint64_t bytes;                    /* as the server estimates it */
    int directory;                     /* where it is unpacked; -1: not made yet */
};

struct clone_spaces {
    struct clone_space list[CLONE_SPACES_MAX];
    size_t count;
    uint64_t bytes; /* of all */
};

/*
 * From the second result set of BASE_BACKUP: spcoid, spclocation, size in kB (PostgreSQL 17 docs, 53.4), the
 * data directory's row with NULLs. MAPPING is "OLD=NEW[,OLD=NEW]" of absolute paths without '=' and ','.
 * ERR_CONFIG: a tablespace that MAPPING does not name; ERR_LATER: not such a result.
 */
bool clone_spaces_read(struct clone_spaces *spaces, const struct pg_call *call, const char *mapping,
                       struct err *err);
/* The tablespace OID; NULL: there is none. */
const struct clone_space *clone_spaces_find(const struct clone_spaces *spaces, const char *oid);

#endif
