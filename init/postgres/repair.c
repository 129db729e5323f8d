#include "init/postgres/repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/alter_system.h"
#include "init/postgres/conninfo.h"
#include "init/postgres/peers.h"
#include "init/postgres/promotion.h"
#include "init/postgres/slots.h"
#include "init/postgres/wal_files.h"
#include "init/postgres/wal_question.h"
#include "init/sys/clock.h"
#include "roles/text.h"

#define OWN "this pod's server"

/* Where it follows somebody in ordain's words already, only the host changes to HOST. */
static bool point(const struct pg_call *present, const struct settings *settings,
                  const struct identity *identity, const char *host, struct buf *conninfo)
{
    if (conninfo_point(conninfo, pg_call_value(present, 0, 0), identity->pod_name, host))
        return true;
    struct buf fresh = buf_new((size_t)16 * 1024);
    conninfo_write(&fresh, settings, identity, identity->ordinal);
    bool done = conninfo_point(conninfo, buf_text(&fresh), identity->pod_name, host);
    buf_free(&fresh);
    return done;
}

/* HOST NULL: nobody's. */
static bool turn_to(struct pg_client *client, int server, const char *who,
                    const struct settings *settings, const struct identity *identity,
                    const char *host, int64_t deadline_ns, struct err *err)
{
    struct buf conninfo = buf_new((size_t)16 * 1024);
    struct pg_call call =
        pg_call_new(server, "SELECT current_setting('primary_conninfo'), "
                            "floor(extract(epoch FROM clock_timestamp()))::bigint");
    bool done = pg_client_run(client, &call, 1, who, deadline_ns, err);
    if (done) {
        char nobody[64];
        int64_t now_s = 0;
        const char *text = pg_call_value(&call, 0, 1);
        (void)text_i64((struct span){text, strlen(text)}, &now_s);
        conninfo_hold(nobody, now_s);
        done = point(&call, settings, identity, host != NULL ? host : nobody, &conninfo) ||
               err_set(err, ERR_BUG, "%s: its primary_conninfo cannot be made", who);
    }
    pg_call_free(&call);
    done = done && alter_system(client, server, who, "primary_conninfo", buf_text(&conninfo),
                                deadline_ns, err);
    buf_free(&conninfo);
    return done;
}

bool repair_follow(struct pg_client *client, int server, const char *who,
                   const struct settings *settings, const struct identity *identity, int primary,
                   int64_t deadline_ns, struct err *err)
{
    char host[IDENTITY_NAME_MAX];
    identity_host_name(identity, primary, host);
    return turn_to(client, server, who, settings, identity, host, deadline_ns, err);
}

bool repair_hold(struct pg_client *client, int server, const char *who,
                 const struct settings *settings, const struct identity *identity,
                 int64_t deadline_ns, struct err *err)
{
    return turn_to(client, server, who, settings, identity, NULL, deadline_ns, err);
}

/* A standby that started before the primary answered was never held against its history. */
static enum pg_relation relation_to(const struct repair *repair, uint32_t mine,
                                    const struct pg_peer *primary)
{
    if (primary->answer != PG_ROWS || primary->in_recovery ||
        primary->system_identifier != repair->system_identifier)
        return PG_RELATION_UNKNOWN;
    return postgres_relation(mine, repair->position, primary->timeline, primary->lsn,
                             primary->has_fork, primary->fork);
}

/* While it ran: a start asks for itself. What cannot be asked is not gone. */
static bool is_wal_gone(const struct repair *repair, uint32_t mine, const struct pg_peer *primary)
{
    struct err why;
    bool gone = false;
    const struct control_file *control = &repair->datadir->control;
    struct wal_question question = {
        .target = postgres_access_replication(repair->access, repair->identity, primary->ordinal,
                                              &primary->addr),
        .who = primary->pod_name,
        .timeline = mine,
        .segment_bytes = control->segment_bytes,
        .lsn = repair->position,
    };
    return repair->position != 0 && wal_question_ask(&question, &gone, repair->deadline_ns, &why) &&
           gone;
}

/* Where exec would clone anew, the container starts anew; else it is told. */
static bool mend_gone(const struct repair *repair, char step[static 512], struct err *err)
{
    bool clones =
        repair->datadir->unfinished || repair->settings->postgres.diverged == DIVERGED_DISCARD;
    (void)snprintf(step, 512, "; the primary has removed the WAL that it needs next: %s",
                   clones ? "its container shall start anew, to clone"
                          : "set ORDAIN_PG_DIVERGED=discard, or remove its PGDATA, and it is "
                            "cloned anew");
    return !clones || datadir_write_mark(repair->datadir, DATADIR_RESTART, "wal gone\n", err);
}

/* On the primary, over a replication connection: the slot, which for a pod beyond the birth nobody else
 * makes. */
static bool mend_stream(const struct repair *repair, char step[static 512], struct err *err)
{
    struct pg_peers peers;
    char who[320];
    int ordinal = repair->named->ordinal;
    const struct control_file *control = &repair->datadir->control;
    uint32_t mine = control_file_timeline(control);
    uint32_t followed =
        wal_files_timeline_at(repair->datadir->path, control->segment_bytes, repair->position);
    mine = followed > mine ? followed : mine;
    bool done = pg_peers_open(&peers, repair->identity, repair->settings->replicas, ordinal, err) &&
                pg_peers_look(&peers, repair->access, repair->identity, ordinal, mine,
                              repair->deadline_ns, err);
    const struct pg_peer *peer = done ? pg_peers_find(&peers, ordinal) : NULL;
    enum pg_relation relation =
        peer != NULL ? relation_to(repair, mine, peer) : PG_RELATION_UNKNOWN;
    if (peer != NULL && peer->answer != PG_ROWS) {
        pg_peer_describe(peer, who);
        done = err_set(err, ERR_LATER, "%s: %.200s", who,
                       *peer->message != '\0' ? peer->message : "no answer");
    } else if (relation == PG_RELATION_FORKED) {
        (void)snprintf(
            step, 512,
            "; it has WAL of the primary's own timeline that the primary has not: one of "
            "the two volumes is an old one");
    } else if (relation == PG_RELATION_DIVERGED) {
        (void)snprintf(step, 512,
                       "; it went past the point where the primary took over: its "
                       "container shall start anew");
        done = datadir_write_mark(repair->datadir, DATADIR_RESTART, "diverged\n", err);
    } else if (peer != NULL && !peer->in_recovery) {
        (void)snprintf(step, 512, "; its slot is there");
        done = slots_ensure_own(peers.client, peer->server, repair->identity->ordinal,
                                repair->deadline_ns, err);
        if (done && is_wal_gone(repair, mine, peer))
            done = mend_gone(repair, step, err);
    }
    pg_peers_close(&peers);
    return done;
}

static bool mend_standby(const struct repair *repair, bool mine, char step[static 512],
                         struct err *err)
{
    const struct local *local = repair->local;
    const struct named *named = repair->named;
    if (mine) {
        (void)snprintf(step, 512, "; it was told to promote itself");
        return promotion_run(local->client, local->server, OWN, named->timeline, 0,
                             repair->deadline_ns, err);
    }
    if (repair->follows_another) {
        (void)snprintf(step, 512, "; it was told whom to follow");
        return repair_follow(local->client, local->server, OWN, repair->settings, repair->identity,
                             named->ordinal, repair->deadline_ns, err);
    }
    return mend_stream(repair, step, err);
}

bool repair_step(const struct repair *repair, char step[static 512], struct err *err)
{
    const struct named *named = repair->named;
    const struct identity *identity = repair->identity;
    bool none = repair->store == NULL || register_kind(repair->store) == REGISTER_NONE;
    bool known = named->known && named->ordinal >= 0;
    bool mine = known && named->ordinal == identity->ordinal;
    step[0] = '\0';
    if (repair->in_recovery && known &&
        (mine ? !none : repair->follows_another || !repair->streaming))
        return mend_standby(repair, mine, step, err);
    if (!repair->in_recovery && mine && !none &&
        (named->system_identifier == 0 || named->timeline < repair->timeline)) {
        bool won;
        (void)snprintf(step, 512, "; the register has learned identifier and timeline");
        return named_record(repair->named, repair->store, identity, false,
                            repair->system_identifier, repair->timeline, &won, repair->deadline_ns,
                            err);
    }
    if (repair->slots + 1 < (uint64_t)repair->settings->replicas) {
        (void)snprintf(step, 512, "; the slots were made anew");
        return slots_make(repair->local->client, repair->local->server, OWN,
                          identity->ordinal_start, repair->settings->replicas, identity->ordinal,
                          repair->deadline_ns, err);
    }
    return true;
}
