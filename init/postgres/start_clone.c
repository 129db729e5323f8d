#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/postgres/clone.h"
#include "init/postgres/rejoin.h"
#include "init/postgres/slots.h"
#include "init/postgres/start_internal.h"
#include "init/postgres/wal_question.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/lsn.h"

/* A clone has no end that could be known; this long without a byte ends it. */
#define SILENCE_MS 60000
#define STANDBY_MS 20000
/* The smallest segment: any begins where one of these begins. */
#define WAL_SEGMENT_MIN (1U << 20)
/* pg_rewind copies what changed, which may be much. */
#define REWIND_MS (INT64_C(6) * 60 * 60 * 1000)

static const enum clone_compression compressions[] = {
    [PG_COMPRESS_AUTO] = CLONE_AUTO,
    [PG_COMPRESS_NONE] = CLONE_NONE,
    [PG_COMPRESS_LZ4] = CLONE_LZ4,
    [PG_COMPRESS_ZSTD] = CLONE_ZSTD,
};

static void tell(const char *who, const struct clone_result *result)
{
    int64_t ms =
        (result->prepare_ns + result->checkpoint_ns + result->stream_ns + result->sync_ns) /
        CLOCK_MS;
    log_info("cloned %" PRIu64 " files, %" PRIu64 " MB, from %s in %" PRId64 ".%03" PRId64 " s",
             result->files, result->bytes / 1000000, who, ms / 1000, ms % 1000);
}

static bool fetch_from(struct pg_start *start, const struct pg_peer *source,
                       struct clone_result *result, struct err *err)
{
    const struct postgres_settings *settings = &start->settings->postgres;
    char slot[32];
    char who[320];
    postgres_slot_name(start->identity.ordinal, slot);
    pg_peer_describe(source, who);
    struct clone_request request = {
        .pgdata = start->datadir.path,
        .upstream = postgres_access_replication(&start->access, &start->identity, source->ordinal,
                                                &source->addr),
        .upstream_name = who,
        .slot = slot,
        .system_identifier = start->upstream->system_identifier,
        .least_timeline = start->named.timeline,
        .major = pg_start_major(start),
        .compression = compressions[settings->compression],
        .max_rate_kb = (int)(settings->max_rate / 1024),
        .tablespace_mapping = settings->tablespace_mapping,
        .silence_ms = SILENCE_MS,
    };
    if (!clone_fetch(&request, result, err))
        return false;
    tell(who, result);
    return true;
}

/* ---- from a standby, which spares the primary the reading */

/* Where the primary's WAL ends now; 0: no answer. */
static uint64_t ask_primary_lsn(struct pg_start *start)
{
    uint64_t lsn = 0;
    struct pg_call call = pg_call_new(start->upstream->server, "IDENTIFY_SYSTEM");
    int64_t until_ns = clock_deadline_ns(STANDBY_MS);
    if (call.server >= 0) /* it has an address still */
        pg_client_round(start->peers.client, &call, 1, until_ns, until_ns);
    const char *text = pg_call_value(&call, 0, 2);
    if (call.answer != PG_ROWS || !lsn_parse((struct span){text, strlen(text)}, &lsn))
        lsn = 0;
    pg_call_free(&call);
    return lsn;
}

/* The standby of the primary's own timeline that has the most; NULL: none answers. One that has more than the primary,
 * which is asked last, did not get it from there: the primary's volume is an old one. */
static const struct pg_peer *find_standby(struct pg_start *start)
{
    struct err why;
    const struct pg_peer *found = NULL;
    const struct pg_peer *primary = start->upstream;
    if (!pg_peers_look(&start->peers, &start->access, &start->identity, -1, 0,
                       clock_deadline_ns(STANDBY_MS), &why)) {
        log_warn("%s", why.message);
        return NULL;
    }
    const uint64_t end = ask_primary_lsn(start);
    for (size_t i = 0; i < start->peers.count; i++) {
        const struct pg_peer *peer = &start->peers.peers[i];
        if (peer->answer == PG_ROWS && peer->in_recovery && peer->timeline == primary->timeline &&
            peer->system_identifier == primary->system_identifier && peer->lsn <= end &&
            (found == NULL || peer->lsn > found->lsn))
            found = peer;
    }
    return found;
}

/* A standby's backup begins at its own last restartpoint, which may lie before what the primary's slot
 * holds: it must be there still. The slot on the standby has done its work then. */
static bool fetch_from_standby(struct pg_start *start, const struct pg_peer *standby,
                               struct clone_result *result, struct err *err)
{
    const struct pg_peer *primary = start->upstream;
    int own = start->identity.ordinal;
    bool gone = false;
    int64_t until_ns = clock_deadline_ns(STANDBY_MS);
    if (!slots_renew(start->peers.client, primary->server, own, true, until_ns, err) ||
        !fetch_from(start, standby, result, err))
        return false;
    until_ns = clock_deadline_ns(STANDBY_MS);
    struct err why;
    if (!slots_renew(start->peers.client, standby->server, own, false, until_ns, &why))
        log_warn("the slot on %s: %s", standby->pod_name, why.message);
    struct wal_question question = {
        .target = postgres_access_replication(&start->access, &start->identity, primary->ordinal,
                                              &primary->addr),
        .who = primary->pod_name,
        .timeline = result->timeline,
        .segment_bytes = WAL_SEGMENT_MIN,
        .lsn = result->start_lsn,
    };
    return wal_question_ask(&question, &gone, until_ns, err) &&
           (!gone || err_set(err, ERR_LATER,
                             "the primary no longer has the WAL from where the backup of %s begins",
                             standby->pod_name));
}

static bool fetch(struct pg_start *start, struct clone_result *result, struct err *err)
{
    if (start->settings->postgres.clone_from == CLONE_FROM_STANDBY) {
        struct err why;
        const struct pg_peer *standby = find_standby(start);
        if (standby != NULL && fetch_from_standby(start, standby, result, &why))
            return true;
        log_warn("not cloned from a standby: %s",
                 standby != NULL ? why.message : "none that follows answers");
    }
    return fetch_from(start, start->upstream, result, err);
}

/* The old directory goes out of the way only once the new one is whole. */
static bool make_room(struct pg_start *start, struct err *err)
{
    char suffix[64];
    if (start->decision.action == PG_CLONE && start->facts.data == PG_DATA_HALF &&
        !start->datadir.is_empty)
        return datadir_remove_tree(&start->datadir, DATADIR_HALF, err) &&
               datadir_move_aside(&start->datadir, DATADIR_HALF, err);
    if (start->decision.action == PG_CLONE_DISCARD)
        return datadir_move_aside(&start->datadir, DATADIR_OLD, err);
    if (start->decision.action != PG_CLONE_KEEP)
        return true;
    const struct control_file *control = &start->datadir.control;
    rejoin_kept_suffix(start->timeline, start->wal_end != 0 ? start->wal_end : control->checkpoint,
                       suffix);
    if (!datadir_move_aside(&start->datadir, suffix, err))
        return false;
    log_warn("the diverged data is kept in %s%s", start->datadir.path, suffix);
    return true;
}

static bool is_no_room(const struct err *err)
{
    return err->kind == ERR_IO && (strstr(err->message, strerror(ENOSPC)) != NULL ||
                                   strstr(err->message, strerror(EDQUOT)) != NULL);
}

bool pg_start_clone(struct pg_start *start, struct err *err)
{
    struct clone_result result;
    /* What an earlier run discarded stays until there is something whole in its place. */
    if (!start->datadir.is_empty && !datadir_remove_tree(&start->datadir, DATADIR_OLD, err))
        return false;
    if (!fetch(start, &result, err)) {
        if (start->decision.action == PG_CLONE_KEEP && is_no_room(err)) {
            err->kind = ERR_REFUSED;
            return err_wrap(err, "a clone beside the diverged directory, which is kept unless "
                                 "ORDAIN_PG_DIVERGED=discard, or rewind, is set");
        }
        return false;
    }
    /* The marks are of the directory that goes: between the two renames there is none, which is safe. */
    return rejoin_own_clone(result.staging, err) && make_room(start, err) &&
           datadir_remove_mark(&start->datadir, DATADIR_REWINDING, err) &&
           datadir_remove_mark(&start->datadir, DATADIR_STARTED, err) &&
           clone_install(start->datadir.path, err) &&
           datadir_remove_tree(&start->datadir, DATADIR_OLD, err) &&
           datadir_read(&start->datadir, err);
}

bool pg_start_rewind(struct pg_start *start, struct err *err)
{
    struct pg_target target = postgres_access_admin(
        &start->access, &start->identity, start->upstream->ordinal, &start->upstream->addr);
    return rejoin_rewind(&start->datadir, start->peers.client, &target,
                         clock_deadline_ns(REWIND_MS), err) &&
           datadir_read(&start->datadir, err);
}
