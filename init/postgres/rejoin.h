#ifndef INIT_POSTGRES_REJOIN_H
#define INIT_POSTGRES_REJOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/postgres/datadir.h"
#include "init/sys/err.h"

/* How a former primary, or a standby that went astray, comes back. */

/* True when pg_rewind can take this directory back: the program is in this image, and pages have
 * checksums or WAL has hints (PostgreSQL 17 docs, pg_rewind, "Notes"). */
bool rejoin_can_rewind(const struct datadir *datadir);

/* Writes standby.signal where it is missing, synced. */
bool rejoin_signal(const struct datadir *datadir, struct err *err);

/* Makes a whole data directory a standby's: standby.signal, synced, and no slots of its time as a primary,
 * which would hold WAL for ever (they are made anew, unreserved). The server must not run. */
bool rejoin_as_standby(const struct datadir *datadir, struct err *err);

/*
 * pg_rewind from the primary at TARGET, an SQL connection of a superuser: CHECKPOINT there first, so
 * that its control file tells the new timeline; a mark against half a rewind; crash recovery where the
 * server was not stopped in order; then standby.signal and a sync.
 */
bool rejoin_rewind(const struct datadir *datadir, struct pg_client *client,
                   const struct pg_target *target, int64_t deadline_ns, struct err *err);

/* The two steps around a clone that replaces a diverged directory: its name (".diverged-2-0-3000148"),
 * and how a whole clone is made this pod's own. */
void rejoin_kept_suffix(uint32_t timeline, uint64_t lsn, char suffix[static 64]);
bool rejoin_own_clone(const char *staging, struct err *err);

#endif
