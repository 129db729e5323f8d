#include "init/postgres/start_internal.h"
#include "init/postgres/wal_ahead.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/lsn.h"

/* One standby's last WAL; it has answered just now. */
#define WAL_MS 1000

/* It received its WAL from a primary of this very timeline, which this pod was. */
static bool is_own_standby(const struct pg_start *start, const struct pg_peer *peer)
{
    return peer->answer == PG_ROWS && peer->in_recovery && peer->timeline == start->timeline &&
           peer->system_identifier == start->datadir.control.system_identifier;
}

static bool is_ahead(struct pg_start *start, const struct pg_peer *peer, int64_t deadline_ns)
{
    char who[320];
    char lsn[LSN_TEXT_MAX];
    struct err why = {0};
    const struct wal_files_query query = {
        .pgdata = start->datadir.path,
        .control = &start->datadir.control,
        .newest_timeline = start->timeline,
    };
    const struct wal_ahead ahead = {&query, start->peers.client, peer->server, peer->timeline,
                                    peer->lsn};
    enum wal_missing missing = wal_ahead_find(&ahead, &start->overtaken_at, deadline_ns, &why);
    pg_peer_describe(peer, who);
    lsn_write(start->overtaken_at, lsn);
    if (missing == WAL_MISSING_NOTHING)
        log_debug("%s has no WAL that this volume has not", who);
    else if (missing == WAL_MISSING_RECORD)
        log_warn("%s has WAL that this volume has not, from %s on", who, lsn);
    else
        log_warn("whether %s has WAL that this volume has not cannot be told: %s", who,
                 why.message);
    return missing == WAL_MISSING_RECORD;
}

bool pg_start_is_overtaken(struct pg_start *start)
{
    bool own = start->facts.named == PG_NAMED_ME ||
               (start->facts.named == PG_NAMED_UNASKED && start->facts.first);
    int64_t until_ns = clock_part_ns(start->deadline_ns, WAL_MS);
    for (size_t i = 0; own && start->facts.data == PG_DATA_PRIMARY && i < start->peers.count; i++)
        if (is_own_standby(start, &start->peers.peers[i]) &&
            is_ahead(start, &start->peers.peers[i], until_ns)) {
            start->overtaken_by = &start->peers.peers[i];
            return true;
        }
    return false;
}
