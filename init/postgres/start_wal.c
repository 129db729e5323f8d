#include "init/postgres/slots.h"
#include "init/postgres/start_internal.h"
#include "init/postgres/wal_compare.h"
#include "init/postgres/wal_question.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/lsn.h"

#define WAL_MS 2000

/* A former primary's crash recovery reads its own timeline alone; a standby follows the newest. */
static struct wal_files_query query_of(const struct pg_start *start)
{
    const struct control_file *control = &start->datadir.control;
    return (struct wal_files_query){
        .pgdata = start->datadir.path,
        .control = control,
        .start = control->checkpoint,
        .newest_timeline =
            start->facts.data == PG_DATA_STANDBY ? UINT32_MAX : control_file_timeline(control),
    };
}

/* From the record at BEGIN on; what lies past FAR_ENOUGH is enough to know. */
static bool find_end(const struct pg_start *start, uint64_t begin, uint64_t far_enough,
                     struct wal_end *end)
{
    struct wal_files_query query = query_of(start);
    query.start = begin;
    query.past = far_enough;
    struct err why;
    bool known = false;
    if (!wal_files_find_end(&query, end, &known, start->deadline_ns, &why)) {
        log_warn("where this pod's WAL ends cannot be told: %s", why.message);
        known = false;
    }
    return known;
}

/* 0: it cannot be told. */
static uint64_t find_wal_end(const struct pg_start *start, uint64_t begin, uint64_t far_enough)
{
    struct wal_end end;
    return find_end(start, begin, far_enough, &end) ? end.end : 0;
}

/* What it had flushed past the fork was on the old timeline for sure. */
uint32_t pg_start_wal_timeline(const struct pg_start *start)
{
    struct wal_end end;
    const struct pg_peer *peer = start->upstream;
    const struct control_file *control = &start->datadir.control;
    uint32_t mine = pg_start_has_data(start) ? control_file_timeline(control) : 0;
    bool may_be_old = start->facts.data == PG_DATA_STANDBY &&
                      start->facts.upstream == PG_UPSTREAM_PRIMARY && peer->timeline > mine &&
                      peer->has_fork && control->min_recovery <= peer->fork;
    bool known = may_be_old && find_end(start, control->checkpoint, UINT64_MAX, &end);
    return known && end.timeline > mine ? end.timeline : mine;
}

/* What a standby of the primary's own timeline has replayed for sure is in its control file; what it has
 * beyond that, its recovery will replay. While it runs, that grows past the primary's answer. */
static uint64_t find_standby_end(const struct pg_start *start, uint64_t far_enough)
{
    const struct control_file *control = &start->datadir.control;
    uint64_t replayed =
        control->min_recovery > control->redo ? control->min_recovery : control->redo;
    pid_t pid;
    uint64_t end =
        !datadir_server(&start->datadir, &pid) ? find_wal_end(start, replayed, far_enough) : 0;
    return end != 0 ? end : replayed;
}

/* A promotion that ordain did not make may have given this timeline's number to another one, and so nobody would
 * see it. A volume that has no WAL, as a clone's, has no other one. */
static void tell_untold(const struct pg_start *start)
{
    const struct wal_compare_result *compared = &start->compared;
    void (*tell)(const char *format, ...) =
        start->timeline > 1 && compared->tail.end != 0 ? log_warn : log_debug;
    tell("this pod's WAL could not be compared with %s's: %s", start->upstream->pod_name,
         compared->why.message);
}

/* Positions that fit say nothing of what is written there. */
static bool is_forked(struct pg_start *start)
{
    char lsn[LSN_TEXT_MAX];
    const struct wal_files_query query = query_of(start);
    struct wal_compare_result *compared = &start->compared;
    const struct wal_server server = {start->peers.client, start->upstream->server,
                                      start->upstream->timeline,
                                      start->datadir.control.segment_bytes};
    wal_compare(compared, &query, start->wal_end, &server,
                clock_part_ns(start->deadline_ns, WAL_MS));
    lsn_write(compared->differs, lsn);
    if (compared->likeness == WAL_DIFFERENT)
        log_warn("from %s on this pod's WAL is another than %s's", lsn, start->upstream->pod_name);
    else if (compared->likeness == WAL_UNTOLD)
        tell_untold(start);
    return compared->likeness == WAL_DIFFERENT;
}

/* What the data has even where its WAL cannot be read to the end. */
static uint64_t surely_reached(const struct control_file *control)
{
    return control->min_recovery > control->checkpoint ? control->min_recovery
                                                       : control->checkpoint;
}

enum pg_relation pg_start_wal_relation(struct pg_start *start)
{
    const struct pg_peer *peer = start->upstream;
    const struct control_file *control = &start->datadir.control;
    uint32_t mine = start->timeline;
    if (!pg_start_has_data(start) || start->facts.upstream != PG_UPSTREAM_PRIMARY)
        return PG_RELATION_UNKNOWN;
    if (start->facts.data == PG_DATA_STANDBY && peer->timeline == mine)
        start->wal_end = find_standby_end(start, peer->lsn);
    else if (peer->timeline == mine)
        start->wal_end = find_wal_end(start, control->checkpoint, peer->lsn);
    else if (peer->has_fork)
        start->wal_end = find_wal_end(start, control->checkpoint, peer->fork);
    if (start->wal_end == 0 && peer->has_fork && surely_reached(control) > peer->fork)
        start->wal_end = surely_reached(control); /* enough to be past it, wherever it ends */
    enum pg_relation relation = postgres_relation(mine, start->wal_end, peer->timeline, peer->lsn,
                                                  peer->has_fork, peer->fork);
    return relation == PG_RELATION_ANCESTOR && is_forked(start) ? PG_RELATION_FORKED : relation;
}

/* What the slot holds, and what is not even written yet, need not be asked for. */
static bool is_surely_there(struct pg_start *start)
{
    const struct pg_peer *peer = start->upstream;
    uint64_t needed = start->datadir.wal_needed;
    uint64_t segment = needed - needed % start->datadir.control.segment_bytes;
    uint64_t held = slots_held_from(start->peers.client, peer->server, start->identity.ordinal,
                                    start->deadline_ns);
    return segment >= peer->lsn || (held != 0 && held <= needed);
}

bool pg_start_wal_is_gone(struct pg_start *start)
{
    struct err why;
    bool gone = false;
    const struct control_file *control = &start->datadir.control;
    if (start->facts.data != PG_DATA_STANDBY || start->facts.upstream != PG_UPSTREAM_PRIMARY ||
        start->facts.relation == PG_RELATION_DIVERGED ||
        start->facts.relation == PG_RELATION_FORKED || is_surely_there(start))
        return false;
    struct wal_question question = {
        .target = postgres_access_replication(&start->access, &start->identity,
                                              start->upstream->ordinal, &start->upstream->addr),
        .who = start->upstream->pod_name,
        .timeline = control_file_timeline(control),
        .segment_bytes = control->segment_bytes,
        .lsn = start->datadir.wal_needed,
    };
    if (!wal_question_ask(&question, &gone, start->deadline_ns, &why)) {
        log_debug("%s", why.message);
        return false;
    }
    if (!gone)
        return false;
    /* what this volume has of it need not come from there */
    question.lsn = find_wal_end(start, control->checkpoint, UINT64_MAX);
    question.timeline = start->timeline;
    return question.lsn == 0 ||
           (wal_question_ask(&question, &gone, start->deadline_ns, &why) && gone);
}

bool pg_start_is_promised(const struct pg_start *start)
{
    uint64_t promised = start->named.promoted_at;
    if (start->facts.named != PG_NAMED_ME || start->facts.data != PG_DATA_STANDBY)
        return false;
    if (promised == 0)
        return control_file_timeline(&start->datadir.control) < start->named.timeline;
    return start->datadir.wal_needed >= promised ||
           find_wal_end(start, start->datadir.control.checkpoint, promised) >= promised;
}
