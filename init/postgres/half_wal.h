#ifndef INIT_POSTGRES_HALF_WAL_H
#define INIT_POSTGRES_HALF_WAL_H

#include <stdbool.h>

#include "init/sys/err.h"

/*
 * The WAL directory that a first initdb was told (POSTGRES_INITDB_WALDIR, or --waldir), where that was cut
 * short: the next initdb needs it empty. It is known by the link DIRECTORY/pg_wal, which initdb makes
 * (initdb.c, create_xlog_or_symlink); DIRECTORY is PGDATA, or where that was moved to. For half a
 * first initdb alone: what never lived has no WAL that anybody needs.
 *
 * It is renamed to <itself>.half-initdb, in the place of an older one, and the link follows it. Where
 * its parent is somebody else's, or it is a mount point, it is emptied. What is not reached from here (a
 * container that has no such mount, a path that went with its container) is left to a later start.
 * ERR_REFUSED where it is not this user's, or there is more in it than WAL; missing or empty is no
 * failure.
 */
bool half_wal_move_aside(const char *directory, struct err *err);

#endif
