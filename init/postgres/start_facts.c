#include <stdio.h>
#include <string.h>

#include "init/postgres/rejoin.h"
#include "init/postgres/start_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/* What one look at the other pods may take; a wait looks again. */
#define PEERS_MS 3000
/* The same where answers can only stop a primary: a dead node must not hold it up for long. */
#define STANDBYS_MS 1000
#define REGISTER_MS 2000

bool pg_start_has_data(const struct pg_start *start)
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
    start->register_silent[0] = '\0';
    if (!named_read(&start->named, start->store, &start->identity, until_ns, err)) {
        bool needless = start->facts.data == PG_DATA_STANDBY && err->kind != ERR_REFUSED &&
                        !register_is_newer(start->store);
        if (err->kind != ERR_LATER && !needless)
            return false;
        log_warn("%s", err->message);
        (void)snprintf(start->register_silent, sizeof start->register_silent, "%.255s",
                       err->message);
    }
    start->facts.named = named_of(&start->named, start->store, &start->identity);
    start->facts.born = start->named.born;
    if (!pg_start_has_data(start))
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
        bool silent = peer->answer == PG_SILENT || peer->answer == PG_NOBODY;
        if ((silent && !peer->leads_elsewhere) || peer->answer == PG_BROKEN)
            continue;
        if (peer->answer == PG_ROWS && !peer->in_recovery)
            return PG_OTHERS_PRIMARY;
        others = PG_OTHERS_DATA; /* so has one that starts, refuses, or is another pod's */
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
    if (pg_start_has_data(start) && start->datadir.control.system_identifier != 0 &&
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
static bool ask_others(struct pg_start *start, bool named, int64_t until_ns, struct err *err)
{
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
    start->timeline = pg_start_has_data(start) ? control_file_timeline(&start->datadir.control) : 0;
    if (!ask_others(start, named, clock_part_ns(start->deadline_ns, PEERS_MS), err))
        return false;
    uint32_t newer = pg_start_wal_timeline(start);
    if (newer > start->timeline) {
        start->timeline = newer;
        if (!ask_others(start, named, clock_part_ns(start->deadline_ns, PEERS_MS), err))
            return false;
    }
    start->facts.relation = pg_start_wal_relation(start);
    start->facts.unfinished = start->datadir.unfinished;
    start->facts.wal_gone = pg_start_wal_is_gone(start);
    if (!named)
        start->facts.others = others_of(&start->peers);
    if (start->facts.named == PG_NAMED_NOBODY && (start->facts.first || start->facts.adopt) &&
        !pg_start_hear(start, err))
        return false;
    start->facts.outrun = is_outrun(start);
    start->facts.overtaken = pg_start_is_overtaken(start);
    return true;
}

/* A named primary starts whoever answers, or cannot even be asked. */
static void look_at_standbys(struct pg_start *start)
{
    struct err why;
    start->timeline = control_file_timeline(&start->datadir.control);
    if (ask_others(start, false, clock_part_ns(start->deadline_ns, STANDBYS_MS), &why))
        start->facts.overtaken = pg_start_is_overtaken(start);
    else
        log_warn("%s", why.message);
}

bool pg_start_look(struct pg_start *start, struct err *err)
{
    start->upstream = NULL;
    start->overtaken_by = NULL;
    start->wal_end = 0;
    start->compared = (struct wal_compare_result){0};
    if (!datadir_read(&start->datadir, err))
        return false;
    take_local(start);
    if (!read_register(start, err))
        return false;
    start->facts.promised = pg_start_is_promised(start);
    start->facts.outdated =
        pg_start_has_data(start) &&
        named_is_outdated(&start->named, &start->datadir, start->datadir.wal_needed);
    bool is_local = postgres_start_is_local(&start->facts);
    bool is_primary = start->facts.named == PG_NAMED_ME && start->facts.data == PG_DATA_PRIMARY;
    if (!is_local && is_primary)
        look_at_standbys(start);
    else if (!is_local && !look_at_others(start, err)) {
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
    (void)snprintf(text, 512, "%s", start->register_silent);
    if (start->upstream == NULL || *text != '\0')
        return;
    pg_peer_describe(start->upstream, who);
    if (start->upstream->addr.family == ADDR_NONE)
        (void)snprintf(text, 512, "%s has no address yet", who);
    else if (start->upstream->answer != PG_ROWS)
        (void)snprintf(text, 512, "%s: %.180s", who, start->upstream->message);
    else if (start->named.system_identifier == 0)
        (void)snprintf(text, 512, "%s has not recorded its system identifier yet", who);
}
