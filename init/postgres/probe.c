#include "init/postgres/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/dns.h"
#include "init/postgres/fence.h"
#include "init/postgres/local.h"
#include "init/postgres/named.h"
#include "init/postgres/repair.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"
#include "roles/lsn.h"
#include "roles/postgres_probe.h"
#include "roles/postmaster_pid.h"
#include "roles/text.h"

/* A beating mark whose clock stood still for so long belongs to a process that is gone. */
#define BEAT_S 30
#define DNS_MS 150
#define REGISTER_MS 400

/* ---- files alone */

static bool beats(const struct datadir *datadir, const char *suffix)
{
    int64_t age_s = datadir_beat_age_s(datadir, suffix);
    return age_s >= 0 && age_s <= BEAT_S;
}

static bool has_mark(const struct datadir *datadir, const char *suffix)
{
    return datadir_beat_age_s(datadir, suffix) >= 0;
}

static struct pg_life look_at_files(const struct datadir *datadir)
{
    char path[4096];
    struct err ignored;
    struct postmaster_pid file = {0};
    struct buf text = buf_new((size_t)64 * 1024);
    enum file_presence presence = FILE_ABSENT;
    struct pg_life life = {
        .fenced = has_mark(datadir, DATADIR_FENCED),
        .cloning = beats(datadir, DATADIR_CLONING),
        .waiting = beats(datadir, DATADIR_WAITING),
        .half = has_mark(datadir, DATADIR_STARTED) && !has_mark(datadir, DATADIR_DONE),
    };
    life.pid_file = datadir_below(datadir, "postmaster.pid", path, &ignored) &&
                    file_read(path, &text, &presence, &ignored) && presence == FILE_THERE &&
                    postmaster_pid_parse(&file, buf_text(&text), text.len);
    life.pid_gone = life.pid_file && kill((pid_t)file.pid, 0) != 0 && errno == ESRCH;
    buf_free(&text);
    return life;
}

static bool liveness(const struct invocation *inv, int *status, struct err *err)
{
    struct datadir datadir;
    if (!datadir_open(&datadir, inv->settings->data_dir, err))
        return false;
    struct pg_life life = look_at_files(&datadir);
    datadir_close(&datadir);
    struct pg_probe_decision decision = postgres_probe_liveness(&life);
    (void)printf("%s\n", decision.sentence);
    *status = decision.yes ? 0 : 1;
    return true;
}

/* ---- readiness */

struct readiness {
    const struct settings *settings;
    struct identity identity;
    struct datadir datadir;
    struct postgres_access access;
    struct register_store *store;
    struct local local;
    struct named named;
    struct pg_readiness facts;
    struct repair repair;
    int64_t lag;
    int64_t deadline_ns;
    char said[256]; /* what the server or the register said */
};

/* One question; a standby's receiver and the slots are in it, too. */
static const char question[] =
    "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()), "
    "current_setting('transaction_read_only'), r.status, r.received_tli, r.sender_host, "
    "coalesce(pg_wal_lsn_diff(r.latest_end_lsn, pg_last_wal_replay_lsn()), 0)::bigint, "
    "current_setting('primary_conninfo'), "
    "(SELECT count(*) FROM pg_replication_slots "
    "WHERE slot_name LIKE 'ordain\\_%' AND wal_status IS DISTINCT FROM 'lost'), "
    "CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END "
    "FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver AS r ON true";

enum { RECOVERY, SYSTEM, READ_ONLY, STATUS, TIMELINE, SENDER, LAG, CONNINFO, SLOTS, WALFILE };

static enum pg_readiness_reply reply_of(const struct pg_call *call)
{
    switch (call->answer) {
    case PG_SILENT:
    case PG_NOBODY:
    case PG_BROKEN:
    case PG_UNTRUSTED:
        return PG_REPLY_NONE;
    case PG_STARTING:
        return PG_REPLY_STARTING;
    case PG_DENIED:
        return PG_REPLY_DENIED;
    case PG_FULL:
    case PG_ERROR:
        return PG_REPLY_ERROR;
    case PG_ROWS:
        break;
    }
    return call->rows.count == 1 ? PG_REPLY_GOOD : PG_REPLY_ERROR;
}

static uint64_t number(const struct pg_call *call, size_t column)
{
    uint64_t value = 0;
    const char *text = pg_call_value(call, 0, column);
    (void)text_u64((struct span){text, strlen(text)}, &value);
    return value;
}

static void read_register(struct readiness *ready)
{
    struct err why;
    const struct identity *identity = &ready->identity;
    int64_t until_ns = clock_part_ns(ready->deadline_ns, REGISTER_MS);
    if (!register_open(&ready->store, ready->settings->register_name, identity->statefulset,
                       identity->namespace_name, identity->cluster_id, &why) ||
        !named_read(&ready->named, ready->store, identity, until_ns, &why))
        (void)snprintf(ready->said, sizeof ready->said, "%.255s", why.message);
    ready->facts.named = ready->store != NULL ? named_of(&ready->named, ready->store, identity)
                                              : PG_NAMED_UNREACHABLE;
}

/* Whom a standby shall follow: the register's word, else the last one that it gave; -1: nobody. */
static int followed(const struct readiness *ready)
{
    if (ready->named.known)
        return ready->named.ordinal;
    const char *last = ready->datadir.remembered;
    return *last != '\0' ? identity_ordinal_of(&ready->identity, last) : -1;
}

static void take_answer(struct readiness *ready, const struct pg_call *call)
{
    struct pg_readiness *facts = &ready->facts;
    char host[IDENTITY_NAME_MAX] = "";
    int primary = followed(ready);
    uint64_t system = number(call, SYSTEM);
    if (primary >= 0)
        identity_host_name(&ready->identity, primary, host);
    facts->in_recovery = strcmp(pg_call_value(call, 0, RECOVERY), "t") == 0;
    facts->read_only = strcmp(pg_call_value(call, 0, READ_ONLY), "on") == 0;
    facts->same_system =
        ready->named.system_identifier == 0 || system == ready->named.system_identifier;
    facts->streaming = strcmp(pg_call_value(call, 0, STATUS), "streaming") == 0;
    facts->from_named = facts->in_recovery
                            ? *host != '\0' && strcmp(pg_call_value(call, 0, SENDER), host) == 0
                            : primary == ready->identity.ordinal;
    facts->timeline_ok = number(call, TIMELINE) >= ready->named.timeline;
    facts->was_named = primary == ready->identity.ordinal;
    const char *lag = pg_call_value(call, 0, LAG);
    (void)text_i64((struct span){lag, strlen(lag)}, &ready->lag);
    int64_t most = ready->settings->postgres.max_lag;
    facts->lag_ok = most == 0 || ready->lag <= most;
    ready->repair = (struct repair){
        .settings = ready->settings,
        .identity = &ready->identity,
        .named = &ready->named,
        .store = ready->store,
        .access = &ready->access,
        .local = &ready->local,
        .deadline_ns = ready->deadline_ns,
        .in_recovery = facts->in_recovery,
        .streaming = facts->streaming,
        .system_identifier = system,
        .slots = number(call, SLOTS),
    };
    const char *walfile =
        pg_call_value(call, 0, WALFILE); /* its first eight digits are the timeline */
    struct span timeline = {walfile, strlen(walfile) >= 8 ? 8 : 0};
    (void)lsn_timeline_parse(timeline, &ready->repair.timeline);
    ready->repair.follows_another = facts->in_recovery && *host != '\0' &&
                                    strstr(pg_call_value(call, 0, CONNINFO), host) == NULL;
}

/* OrderedReady: a primary of a higher ordinal cannot come before this pod is ready. Silence is no answer. */
static bool awaited_is_absent(const struct readiness *ready)
{
    struct dns *dns = NULL;
    struct err ignored;
    struct dns_answer answer = {0};
    char text[IDENTITY_NAME_MAX];
    const char *name = text;
    int primary = followed(ready);
    if (ready->settings->pod_management != POD_MANAGEMENT_ORDERED ||
        primary <= ready->identity.ordinal ||
        !dns_open(&dns, NULL, ready->identity.pod_ip.family, &ignored))
        return false;
    identity_dns_name(&ready->identity, primary, text);
    bool heard =
        dns_ask(dns, &name, &answer, 1, clock_part_ns(ready->deadline_ns, DNS_MS), &ignored);
    dns_close(dns);
    return heard && answer.outcome == DNS_ABSENT;
}

static void ask_server(struct readiness *ready)
{
    struct pg_call call = {0};
    struct err why;
    bool asked = postgres_access_open(&ready->access, ready->settings, &why) &&
                 local_open(&ready->local, &ready->datadir, &ready->access, &why);
    if (asked)
        asked = local_ask(&ready->local, &call, question, NULL, 0, ready->deadline_ns, &why);
    ready->facts.reply = ready->local.server >= 0 ? reply_of(&call) : PG_REPLY_NONE;
    if (asked)
        take_answer(ready, &call);
    else
        (void)snprintf(ready->said, sizeof ready->said, "%.255s", why.message);
    pg_call_free(&call);
}

static void act(struct readiness *ready, const struct pg_probe_decision *decision,
                char text[static 512])
{
    struct err why;
    text[0] = '\0';
    if (decision->fence && ready->local.server >= 0) {
        if (!fence_raise(&ready->datadir, &ready->local, ready->deadline_ns, &why))
            (void)snprintf(text, 512, "; it could not be fenced: %.400s", why.message);
        return;
    }
    if (decision->repair && !repair_step(&ready->repair, text, &why))
        (void)snprintf(text, 512, "; %.500s", why.message);
}

static void judge(struct readiness *ready, int *status)
{
    char further[512];
    struct err ignored;
    ready->facts.life = look_at_files(&ready->datadir);
    (void)datadir_read(&ready->datadir, &ignored);
    read_register(ready);
    bool busy = ready->facts.life.cloning || ready->facts.life.waiting;
    if (!busy)
        ask_server(ready);
    struct pg_probe_decision decision = postgres_probe_readiness(&ready->facts);
    if (!decision.yes && !decision.fence) {
        ready->facts.awaited_is_absent = awaited_is_absent(ready);
        decision = postgres_probe_readiness(&ready->facts);
    }
    act(ready, &decision, further);
    (void)printf("%s%s%s%s\n", decision.sentence, !decision.yes && *ready->said != '\0' ? ": " : "",
                 decision.yes ? "" : ready->said, further);
    *status = decision.yes ? 0 : 1;
}

static bool readiness(const struct invocation *inv, int *status, struct err *err)
{
    struct readiness *ready = calloc(1, sizeof *ready);
    if (ready == NULL)
        return err_set(err, ERR_IO, "out of memory");
    ready->settings = inv->settings;
    ready->deadline_ns = inv->deadline_ns;
    ready->local.server = -1;
    ready->named.ordinal = -1;
    bool done = identity_read(&ready->identity, inv->settings, true, true, err) &&
                datadir_open(&ready->datadir, inv->settings->data_dir, err);
    if (done)
        judge(ready, status);
    local_close(&ready->local);
    postgres_access_close(&ready->access);
    register_close(ready->store);
    datadir_close(&ready->datadir);
    free(ready);
    return done;
}

bool probe_postgres(const struct invocation *inv, const char *kind, int *status, struct err *err)
{
    *status = 1;
    if (strcmp(kind, "readiness") == 0)
        return readiness(inv, status, err);
    if (strcmp(kind, "startup") == 0 || strcmp(kind, "liveness") == 0)
        return liveness(inv, status, err);
    return err_set(err, ERR_USAGE, "probe takes one of startup, liveness, readiness");
}
