#include "init/postgres/observe_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/conninfo.h"
#include "roles/lsn.h"
#include "roles/text.h"

/* Of one pod, in one round. A standby's timeline is the latest that any of three places tells; the control file
 * alone may be behind what is replayed. Views and functions: PostgreSQL 13 to 18. */
static const char server_question[] =
    "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()), "
    "current_setting('transaction_read_only'), "
    "CASE WHEN pg_is_in_recovery() THEN greatest((SELECT timeline_id FROM "
    "pg_control_checkpoint()), "
    "(SELECT min_recovery_end_timeline FROM pg_control_recovery()), r.received_tli)::bigint "
    "ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END, "
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_flush_lsn() "
    "END, pg_last_wal_replay_lsn(), r.status, r.sender_host, current_setting('primary_conninfo'), "
    "current_setting('synchronous_standby_names'), "
    "(SELECT rolcanlogin AND rolreplication FROM pg_roles WHERE rolname = $1), "
    "CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_read_file('pg_wal/' || "
    "left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.history', 0, 1048576, true) END "
    "FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver AS r ON true";
enum {
    RECOVERY,
    SYSTEM,
    READ_ONLY,
    TIMELINE,
    LSN,
    REPLAY,
    RECEIVER,
    SENDER_HOST,
    CONNINFO,
    SYNCHRONOUS,
    ROLE,
    HISTORY
};

static const char slots_question[] =
    "SELECT slot_name, slot_type = 'physical', active, restart_lsn IS NOT NULL, "
    "coalesce(wal_status, ''), coalesce(greatest(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() "
    "THEN "
    "pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0), 0)::bigint "
    "FROM pg_replication_slots ORDER BY slot_name";

static const char senders_question[] =
    "SELECT application_name, host(client_addr), state, sync_state, sent_lsn, flush_lsn, "
    "replay_lsn, "
    "extract(epoch FROM replay_lag) FROM pg_stat_replication WHERE application_name <> 'ordain' "
    "AND state <> 'backup' ORDER BY application_name, pid";

#define QUESTIONS 3

void pg_member_clear(struct pg_member *member)
{
    const struct pg_peer *peer = member->peer;
    free(member->synchronous);
    free(member->history);
    free(member->slots);
    free(member->senders);
    *member = (struct pg_member){.peer = peer, .answer = PG_SILENT};
}

/* ---- cells */

static bool truth(const struct pg_call *call, size_t row, size_t column)
{
    return strcmp(pg_call_value(call, row, column), "t") == 0;
}

static struct span cell(const struct pg_call *call, size_t row, size_t column)
{
    const char *text = pg_call_value(call, row, column);
    return (struct span){text, strlen(text)};
}

static uint64_t position(const struct pg_call *call, size_t row, size_t column)
{
    uint64_t lsn = 0;
    return lsn_parse(cell(call, row, column), &lsn) ? lsn : 0;
}

static void copy(const struct pg_call *call, size_t row, size_t column, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", pg_call_value(call, row, column));
}

/* ---- answers */

/* What a replication connection told is exact; SQL is needed where that is denied. */
static void take_position(struct pg_member *member, const struct pg_call *call)
{
    const struct pg_peer *peer = member->peer;
    uint64_t timeline = 0;
    uint64_t lsn = position(call, 0, LSN);
    (void)text_u64(cell(call, 0, SYSTEM), &member->system_identifier);
    (void)text_u64(cell(call, 0, TIMELINE), &timeline);
    if (member->in_recovery && member->replay > lsn)
        lsn = member->replay;
    member->timeline = timeline <= UINT32_MAX ? (uint32_t)timeline : 0;
    member->lsn = lsn;
    if (peer->answer == PG_ROWS && peer->in_recovery && member->in_recovery &&
        peer->timeline >= member->timeline) {
        member->timeline = peer->timeline;
        member->lsn = peer->lsn > lsn ? peer->lsn : lsn;
    }
    member->known = member->system_identifier != 0 && member->timeline != 0;
}

/*
 * What a standby confirmed before it was started anew lies in its pg_wal and is read first, at replay's pace;
 * only at its end is a receiver asked for, and only then is there a position of what was received
 * (xlogrecovery.c WaitForWALToBecomeAvailable, walreceiverfuncs.c RequestXLogStreaming, 13 to 18).
 */
static bool reads_own_wal(const struct pg_call *call)
{
    return truth(call, 0, RECOVERY) && pg_call_is_null(call, 0, LSN) &&
           *pg_call_value(call, 0, CONNINFO) != '\0';
}

static bool take_server(struct pg_member *member, const struct pg_call *call)
{
    member->in_recovery = truth(call, 0, RECOVERY);
    member->read_only = strcmp(pg_call_value(call, 0, READ_ONLY), "on") == 0;
    member->replay = position(call, 0, REPLAY);
    take_position(member, call);
    copy(call, 0, RECEIVER, member->receiver, sizeof member->receiver);
    copy(call, 0, SENDER_HOST, member->sender_host, sizeof member->sender_host);
    conninfo_host(pg_call_value(call, 0, CONNINFO), member->conninfo_host);
    member->reads_own_wal = reads_own_wal(call);
    member->role_there = !pg_call_is_null(call, 0, ROLE);
    member->role_good = truth(call, 0, ROLE);
    member->synchronous = strdup(pg_call_value(call, 0, SYNCHRONOUS));
    member->history = strdup(pg_call_value(call, 0, HISTORY));
    return member->synchronous != NULL && member->history != NULL;
}

static bool take_slots(struct pg_member *member, const struct pg_call *call)
{
    member->slots = calloc(call->rows.count + 1, sizeof *member->slots);
    member->slot_count = member->slots != NULL ? call->rows.count : 0;
    for (size_t i = 0; i < member->slot_count; i++) {
        struct pg_slot *slot = &member->slots[i];
        copy(call, i, 0, slot->name, sizeof slot->name);
        slot->is_physical = truth(call, i, 1);
        slot->active = truth(call, i, 2);
        slot->reserves = truth(call, i, 3);
        copy(call, i, 4, slot->wal_status, sizeof slot->wal_status);
        slot->lost = strcmp(slot->wal_status, "lost") == 0;
        (void)text_i64(cell(call, i, 5), &slot->held_bytes);
    }
    return member->slots != NULL;
}

static bool take_senders(struct pg_member *member, const struct pg_call *call)
{
    member->senders = calloc(call->rows.count + 1, sizeof *member->senders);
    member->sender_count = member->senders != NULL ? call->rows.count : 0;
    for (size_t i = 0; i < member->sender_count; i++) {
        struct pg_sender *sender = &member->senders[i];
        copy(call, i, 0, sender->application_name, sizeof sender->application_name);
        copy(call, i, 1, sender->addr, sizeof sender->addr);
        copy(call, i, 2, sender->state, sizeof sender->state);
        copy(call, i, 3, sender->sync_state, sizeof sender->sync_state);
        sender->sent = position(call, i, 4);
        sender->flush = position(call, i, 5);
        sender->replay = position(call, i, 6);
        sender->lag_s = pg_call_is_null(call, i, 7) ? -1 : strtod(pg_call_value(call, i, 7), NULL);
    }
    return member->senders != NULL;
}

/* Without SQL, a replication connection still tells who it is. */
static void take_peer(struct pg_member *member)
{
    const struct pg_peer *peer = member->peer;
    member->answer = peer->answer == PG_ROWS ? PG_SILENT : peer->answer;
    (void)snprintf(member->message, sizeof member->message, "%s", peer->message);
    if (peer->answer != PG_ROWS)
        return;
    member->known = true;
    member->in_recovery = peer->in_recovery;
    member->system_identifier = peer->system_identifier;
    member->timeline = peer->timeline;
    member->lsn = peer->lsn;
}

static bool take(struct pg_member *member, const struct pg_call *calls)
{
    size_t good = 0;
    while (good < QUESTIONS && calls[good].answer == PG_ROWS)
        good++;
    const struct pg_call *told = &calls[good < QUESTIONS ? good : QUESTIONS - 1];
    member->answer = told->answer;
    (void)snprintf(member->message, sizeof member->message, "%s", told->message);
    if (good < QUESTIONS)
        return true;
    if (calls[0].rows.count != 1) {
        member->answer = PG_BROKEN;
        (void)snprintf(member->message, sizeof member->message, "it answers with something else");
        return true;
    }
    return take_server(member, &calls[0]) && take_slots(member, &calls[1]) &&
           take_senders(member, &calls[2]);
}

/* ---- the round */

static bool is_worth_asking(const struct pg_observer *observer, size_t i)
{
    enum pg_answer heard = observer->members[i].peer->answer;
    return observer->servers[i] >= 0 && observer->members[i].peer->addr.family != ADDR_NONE &&
           heard != PG_SILENT && heard != PG_NOBODY && heard != PG_STARTING;
}

bool pg_observe_sql(struct pg_observer *observer, int64_t deadline_ns, struct err *err)
{
    static const char *const questions[QUESTIONS] = {server_question, slots_question,
                                                     senders_question};
    struct pg_call *calls = calloc(QUESTIONS * observer->count + 1, sizeof *calls);
    size_t count = 0;
    bool done = calls != NULL;
    for (size_t i = 0; i < observer->count; i++) {
        pg_member_clear(&observer->members[i]);
        take_peer(&observer->members[i]);
        for (size_t k = 0; k < QUESTIONS && done && is_worth_asking(observer, i); k++)
            calls[count++] = pg_call_new(observer->servers[i], questions[k]);
    }
    for (size_t i = 0; i < count; i += QUESTIONS) {
        calls[i].params[0] = observer->settings->postgres.replication_user;
        calls[i].param_count = 1;
    }
    if (count > 0)
        pg_client_round(observer->peers.client, calls, count, deadline_ns, deadline_ns);
    size_t at = 0;
    for (size_t i = 0; i < observer->count && done; i++) {
        if (!is_worth_asking(observer, i))
            continue;
        done = take(&observer->members[i], &calls[at]);
        at += QUESTIONS;
    }
    if (calls != NULL)
        pg_calls_free(calls, count);
    free(calls);
    return done || err_set(err, ERR_IO, "out of memory for the pods' answers");
}
