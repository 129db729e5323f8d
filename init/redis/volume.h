#ifndef INIT_REDIS_VOLUME_H
#define INIT_REDIS_VOLUME_H

#include <stdbool.h>
#include <stddef.h>

#include "init/settings.h"
#include "init/sys/buf.h"
#include "init/sys/err.h"
#include "roles/birth_mark.h"
#include "roles/redis_table.h"

/*
 * ordain's and the server's files in a Redis data directory:
 *   nodes.conf           the server's table; ordain writes it only while no server lives
 *   nodes.conf.ordain    the copy, taken along with each change of a role or an epoch: for a mend
 *   ordain.birth         the mark (roles/birth_mark.h)
 * The directory itself is locked by whoever changes it, and by the server that `exec` became (ordain.lock
 * in it where the file system locks no directories: NFS).
 */

#define VOLUME_NODES "nodes.conf"
#define VOLUME_COPY "nodes.conf.ordain"
#define VOLUME_TABLE_CAP ((size_t)8 << 20) /* bytes of one of the two */

/* One table file, read and parsed. */
struct volume_table {
    bool there; /* the file exists and is not empty */
    struct buf text;
    struct redis_table table;
    enum redis_table_status status;
    size_t bad_line; /* the first line that STATUS complains of, 0: none */
};

struct volume {
    const char *dir;
    int lock;          /* nodes.conf, locked by us, -1 */
    int own_lock;      /* the directory's, or ordain.lock, likewise */
    bool server_lives; /* its lock is held by a server */
    struct volume_table nodes, copy;
    bool has_mark;
    struct birth_mark mark;
    bool has_keys; /* in a dump or an append-only file */
};

/* Reads all of it. A directory that is missing: ERR_CONFIG; a mark of another format: ERR_CONFIG; one
 * that is garbage: ERR_REFUSED. LOCK: takes both locks where nobody has them and keeps them until
 * volume_close: the directory's, and nodes.conf's as the server does (flock, redis 7.0 cluster.c
 * clusterLockConfig; from 7.2 on a server renames nodes.conf, and its lock stays on the old inode). Who
 * only reads must not: a server that starts at that moment would exit. */
bool volume_open(struct volume *volume, const char *dir, bool lock, struct err *err);
void volume_close(struct volume *volume);

/* The mark alone; false where there is none that can be read. */
bool volume_peek_mark(const char *dir, struct birth_mark *mark);

/* Leaves the lock to the program that this one becomes: whoever comes to the volume while that server
 * lives finds it held. */
void volume_leave_lock(struct volume *volume);

/* Writes, each atomic and only when it changes; *changed is counted up. The mark and the copy have the
 * server's rights, 0644: they hold no secret. */
bool volume_write_nodes(struct volume *volume, const struct redis_table *table, size_t *changed,
                        struct err *err);
bool volume_write_copy(struct volume *volume, const struct redis_table *table, size_t *changed,
                       struct err *err);
bool volume_write_mark(struct volume *volume, const struct birth_mark *mark, size_t *changed,
                       struct err *err);

/* What is wrong with a table that is there and not whole, and where, as the end of a sentence. */
void volume_table_problem(const struct volume_table *table, char text[static 96]);

/* The copy's table, NULL where there is none or it is not whole. */
const struct redis_table *volume_whole_copy(const struct volume *volume);

/* TABLE as nodes.conf has it. */
bool volume_table_text(const struct redis_table *table, struct buf *text, struct err *err);

#endif
