#include <stdio.h>
#include <string.h>

#include "init/postgres/rejoin.h"
#include "init/postgres/slots.h"
#include "init/postgres/start_internal.h"
#include "init/postgres/wal_compare.h"
#include "init/postgres/wal_question.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/lsn.h"

/* What one look at the other pods may take; a wait looks again. */
#define PEERS_MS 3000
#define REGISTER_MS 2000
#define WAL_MS 2000

static bool has_data(const struct pg_start *start)
{
    return start->facts.data == PG_DATA_STANDBY || start->facts.data == PG_DATA_PRIMARY ||
           start->facts.data == PG_DATA_REWINDING;
}

static void take_local(struct pg_start *start)
{
    const struct settings *settings = start->settings;
    struct pg_start_facts *facts = &start->facts;
    *facts = (struct pg_start_facts){
        .data = start->datadir.data,
        .first = start->identity.ordinal == start->identity.ordinal_start,
        .birth_is_new = settings->birth == BIRTH_NEW,
        .adopt = settings->adopt,
        .policy = settings->postgres.diverged == DIVERGED_DISCARD  ? PG_DIVERGED_DISCARD
                  : settings->postgres.diverged == DIVERGED_REWIND ? PG_DIVERGED_REWIND
                                                                   : PG_DIVERGED_KEEP,
        .kept_before = start->datadir.kept[0] != '\0',
    };
    if (facts->policy == PG_DIVERGED_REWIND)
        facts->rewindable = rejoin_can_rewind(&start->datadir);
}

/* A standby starts without the register; nobody starts with another cluster's, or a newer ordain's. */
static bool read_register(struct pg_start *start, struct err *err)
{
    int64_t until_ns = clock_part_ns(start->deadline_ns, REGISTER_MS);
    if (!named_read(&start->named, start->store, &start->identity, until_ns, err)) {
        bool needless = start->facts.data == PG_DATA_STANDBY && err->kind != ERR_REFUSED &&
                        !register_is_newer(start->store);
        if (err->kind != ERR_LATER && !needless)
            return false;
        log_warn("%s", err->message);
    }
    start->facts.named = named_of(&start->named, start->store, &start->identity);
    start->facts.born = start->named.born;
    if (!has_data(start))
        return true;
    uint64_t recorded = start->named.system_identifier;
    if (recorded != 0 && start->datadir.control.system_identifier != 0)
        start->facts.identity = recorded == start->datadir.control.system_identifier
                                    ? PG_IDENTITY_SAME
                                    : PG_IDENTITY_OTHER;
    start->facts.behind_record =
        control_file_timeline(&start->datadir.control) < start->named.timeline;
    return true;
}

static bool open_peers(struct pg_start *start, struct err *err)
{
    if (start->peers_open && start->peers_named == start->named.ordinal)
        return true;
    if (start->peers_open)
        pg_peers_close(&start->peers);
    start->peers_open = true;
    start->peers_named = start->named.ordinal;
    return pg_peers_open(&start->peers, &start->identity, start->settings->replicas,
                         start->named.ordinal, err);
}

static enum pg_others others_of(const struct pg_peers *peers)
{
    enum pg_others others = PG_OTHERS_SILENT;
    for (size_t i = 0; i < peers->count; i++) {
        const struct pg_peer *peer = &peers->peers[i];
        if (peer->answer == PG_SILENT || peer->answer == PG_NOBODY || peer->answer == PG_BROKEN)
            continue;
        if (peer->answer == PG_ROWS && !peer->in_recovery)
            return PG_OTHERS_PRIMARY;
        others = PG_OTHERS_DATA; /* a server that starts or refuses has data, too */
    }
    return others;
}

static enum pg_upstream upstream_of(const struct pg_start *start)
{
    const struct pg_peer *peer = start->upstream;
    uint64_t recorded = start->named.system_identifier;
    if (peer == NULL || peer->answer != PG_ROWS)
        return PG_UPSTREAM_UNKNOWN;
    if (recorded != 0 && peer->system_identifier != recorded)
        return PG_UPSTREAM_STRANGER;
    if (has_data(start) && start->datadir.control.system_identifier != 0 &&
        peer->system_identifier != start->datadir.control.system_identifier)
        return PG_UPSTREAM_STRANGER;
    if (peer->in_recovery)
        return PG_UPSTREAM_STANDBY;
    if (peer->timeline < start->named.timeline)
        return PG_UPSTREAM_OLD;
    /* A first primary records its identifier before it lets anybody in. */
    if (recorded == 0 && register_kind(start->store) != REGISTER_NONE)
        return PG_UPSTREAM_UNKNOWN;
    return PG_UPSTREAM_PRIMARY;
}

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

/* The control file of a standby that was killed may name a timeline which it had left long before: it follows
 * a switch when it next flushes a page. Its WAL tells whom it followed; what it had flushed past the fork was
 * on the old timeline for sure. */
static uint32_t timeline_of(const struct pg_start *start)
{
    struct wal_end end;
    const struct pg_peer *peer = start->upstream;
    const struct control_file *control = &start->datadir.control;
    uint32_t mine = has_data(start) ? control_file_timeline(control) : 0;
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

/* Positions that fit say nothing of what is written there. */
static bool is_forked(struct pg_start *start)
{
    char lsn[LSN_TEXT_MAX];
    const struct wal_files_query query = query_of(start);
    struct wal_compare_result *compared = &start->compared;
    wal_compare(compared, &query, start->wal_end, start->peers.client, start->upstream->server,
                clock_part_ns(start->deadline_ns, WAL_MS));
    lsn_write(compared->differs, lsn);
    if (compared->likeness == WAL_DIFFERENT)
        log_warn("from %s on this pod's WAL is another than %s's", lsn, start->upstream->pod_name);
    else if (compared->likeness == WAL_UNTOLD)
        log_debug("this pod's WAL could not be compared with %s's: %s", start->upstream->pod_name,
                  compared->why.message);
    return compared->likeness == WAL_DIFFERENT;
}

/* What the data has even where its WAL cannot be read to the end. */
static uint64_t surely_reached(const struct control_file *control)
{
    return control->min_recovery > control->checkpoint ? control->min_recovery
                                                       : control->checkpoint;
}

static enum pg_relation relation_of(struct pg_start *start)
{
    const struct pg_peer *peer = start->upstream;
    const struct control_file *control = &start->datadir.control;
    uint32_t mine = start->timeline;
    if (!has_data(start) || start->facts.upstream != PG_UPSTREAM_PRIMARY)
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

/* A standby's next WAL: on this volume still, or with the primary. What cannot be asked is not gone. */
static bool is_wal_gone(struct pg_start *start)
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

/* Somebody is on the timeline already that this pod was named for. */
static bool is_outrun(const struct pg_start *start)
{
    for (size_t i = 0; start->named.timeline != 0 && i < start->peers.count; i++)
        if (start->peers.peers[i].answer == PG_ROWS &&
            start->peers.peers[i].timeline >= start->named.timeline)
            return true;
    return false;
}

/* Asks the named pod, or all, and where the named one's history left start->timeline. */
static bool ask_others(struct pg_start *start, bool named, struct err *err)
{
    int64_t until_ns = clock_part_ns(start->deadline_ns, PEERS_MS);
    if (!open_peers(start, err) ||
        !pg_peers_look(&start->peers, &start->access, &start->identity,
                       named ? start->named.ordinal : -1, start->timeline, until_ns, err))
        return false;
    start->upstream = named ? pg_peers_find(&start->peers, start->named.ordinal) : NULL;
    start->facts.upstream = upstream_of(start);
    return true;
}

static bool look_at_others(struct pg_start *start, struct err *err)
{
    bool named = start->named.ordinal >= 0 && start->named.ordinal != start->identity.ordinal;
    start->timeline = has_data(start) ? control_file_timeline(&start->datadir.control) : 0;
    if (!ask_others(start, named, err))
        return false;
    uint32_t newer = timeline_of(start);
    if (newer > start->timeline) {
        start->timeline = newer;
        if (!ask_others(start, named, err))
            return false;
    }
    start->facts.relation = relation_of(start);
    start->facts.unfinished = start->datadir.unfinished;
    start->facts.wal_gone = is_wal_gone(start);
    if (!named)
        start->facts.others = others_of(&start->peers);
    start->facts.outrun = is_outrun(start);
    return true;
}

/* A standby that the register names: is it what the promotion chose? The first primary was never chosen. */
static bool is_promised(const struct pg_start *start)
{
    uint64_t promised = start->named.promoted_at;
    if (start->facts.named != PG_NAMED_ME || start->facts.data != PG_DATA_STANDBY)
        return false;
    if (promised == 0)
        return control_file_timeline(&start->datadir.control) < start->named.timeline;
    return start->datadir.wal_needed >= promised ||
           find_wal_end(start, start->datadir.control.checkpoint, promised) >= promised;
}

bool pg_start_look(struct pg_start *start, struct err *err)
{
    start->upstream = NULL;
    start->wal_end = 0;
    start->compared = (struct wal_compare_result){0};
    if (!datadir_read(&start->datadir, err))
        return false;
    take_local(start);
    if (!read_register(start, err))
        return false;
    start->facts.promised = is_promised(start);
    if (!postgres_start_is_local(&start->facts) && !look_at_others(start, err)) {
        if (err->kind != ERR_LATER)
            return false;
        log_warn("%s", err->message); /* a DNS that is silent proves nothing */
    }
    start->decision = postgres_start_decide(&start->facts);
    return true;
}

/* A higher pod of the birth whose name does not resolve: the controller has not made it yet. */
static bool higher_is_absent(struct pg_start *start)
{
    struct err why;
    int64_t until_ns = clock_part_ns(start->deadline_ns, PEERS_MS);
    if (!open_peers(start, &why) ||
        !pg_peers_look(&start->peers, &start->access, &start->identity, -1, 0, until_ns, &why))
        return false;
    for (size_t i = 0; i < start->peers.count; i++)
        if (start->peers.peers[i].ordinal > start->identity.ordinal &&
            start->peers.peers[i].name == DNS_ABSENT)
            return true;
    return false;
}

bool pg_start_waits_in_vain(struct pg_start *start)
{
    enum pg_action action = start->decision.action;
    if (start->settings->pod_management != POD_MANAGEMENT_ORDERED)
        return false;
    if (action == PG_REFUSE)
        return start->facts.named == PG_NAMED_ME && higher_is_absent(start);
    return action == PG_WAIT && start->upstream != NULL &&
           start->upstream->ordinal > start->identity.ordinal &&
           start->upstream->name == DNS_ABSENT;
}

void pg_start_complaint(const struct pg_start *start, char text[static 512])
{
    char who[320];
    text[0] = '\0';
    if (start->upstream == NULL)
        return;
    pg_peer_describe(start->upstream, who);
    if (start->upstream->addr.family == ADDR_NONE)
        (void)snprintf(text, 512, "%s has no address yet", who);
    else if (start->upstream->answer != PG_ROWS)
        (void)snprintf(text, 512, "%s: %.180s", who, start->upstream->message);
    else if (start->named.system_identifier == 0)
        (void)snprintf(text, 512, "%s has not recorded its system identifier yet", who);
}
