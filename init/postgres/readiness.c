#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/dns.h"
#include "init/postgres/conninfo.h"
#include "init/postgres/fence.h"
#include "init/postgres/local.h"
#include "init/postgres/named.h"
#include "init/postgres/probe.h"
#include "init/postgres/repair.h"
#include "init/sys/clock.h"
#include "roles/lsn.h"
#include "roles/text.h"

#define DNS_MS 150
#define REGISTER_MS 400
#define SERVER_MS 500

/* One readiness probe. The server is asked first and the register last: what is done hangs on what the
 * register says now. */
struct readiness {
    const struct settings *settings;
    struct identity identity;
    struct datadir datadir;
    struct postgres_access access;
    struct register_store *store;
    struct local local;
    struct pg_call answer; /* the server's one row */
    struct named named;
    struct pg_readiness facts;
    struct repair repair;
    int64_t deadline_ns;
    char said[256]; /* what the server or the register said */
};

/* ---- the server */

enum {
    RECOVERY,
    SYSTEM,
    READ_ONLY,
    STREAMS,
    TIMELINE,
    SENDER,
    LAG,
    CONNINFO,
    WALFILE,
    POSITION,
    SLOTS,
};

/*
 * One question; a standby's receiver and the slots are in it. A receiver says "streaming" before the
 * primary has agreed to anything (walreceiver.c, PostgreSQL 13 to 18), and one that fails is made anew twice
 * a second: it streams once it has lived for half a second and has heard of the primary's position.
 */
static const char question_head[] =
    "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()), "
    "current_setting('transaction_read_only'), "
    "r.status = 'streaming' AND r.latest_end_lsn IS NOT NULL AND "
    "(SELECT backend_start < clock_timestamp() - interval '0.5 s' FROM pg_stat_activity AS a "
    "WHERE a.pid = r.pid), "
    "r.received_tli, r.sender_host, "
    "coalesce(pg_wal_lsn_diff(r.latest_end_lsn, pg_last_wal_replay_lsn()), 0)::bigint, "
    "current_setting('primary_conninfo'), "
    "CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END, "
    "greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), "
    "(SELECT count(*) FROM pg_replication_slots WHERE wal_status IS DISTINCT FROM 'lost' "
    "AND slot_name IN (''";
static const char question_tail[] =
    ")) FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver AS r ON true";

static void write_question(const struct readiness *ready, struct buf *out)
{
    buf_add_text(out, question_head);
    for (int i = 0; i < ready->settings->replicas; i++) {
        char name[32];
        postgres_slot_name(ready->identity.ordinal_start + i, name);
        buf_printf(out, ", '%s'", name);
    }
    buf_add_text(out, question_tail);
}

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

static void ask_server(struct readiness *ready)
{
    struct err why;
    struct buf question = buf_new((size_t)256 * 1024);
    int64_t until_ns = clock_part_ns(ready->deadline_ns, SERVER_MS);
    write_question(ready, &question);
    bool asked =
        postgres_access_open(&ready->access, ready->settings, &why) &&
        local_open(&ready->local, &ready->datadir, &ready->access, &why) &&
        local_ask(&ready->local, &ready->answer, buf_text(&question), NULL, 0, until_ns, &why);
    ready->facts.reply = ready->local.server >= 0 ? reply_of(&ready->answer) : PG_REPLY_NONE;
    if (!asked)
        (void)snprintf(ready->said, sizeof ready->said, "%.255s", why.message);
    buf_free(&question);
}

/* ---- the register */

/* A clone that was never consistent follows, and takes no session in which it could be told anything else: what
 * is kept beside it says whom, until its next start. */
static bool is_unfinished(const struct readiness *ready)
{
    return ready->facts.reply == PG_REPLY_STARTING && ready->datadir.data == PG_DATA_STANDBY &&
           ready->datadir.unfinished;
}

static bool read_register(struct readiness *ready)
{
    struct err why = {0};
    const struct identity *identity = &ready->identity;
    int64_t until_ns = clock_part_ns(ready->deadline_ns, REGISTER_MS);
    bool open = ready->store != NULL ||
                register_open(&ready->store, ready->settings->register_name, identity->statefulset,
                              identity->namespace_name, identity->cluster_id, &why);
    bool read =
        open && named_read(&ready->named, ready->store, identity, until_ns, &why) &&
        (is_unfinished(ready) || named_remember(&ready->named, identity, &ready->datadir, &why));
    if (!read && *ready->said == '\0')
        (void)snprintf(ready->said, sizeof ready->said, "%.255s", why.message);
    ready->facts.named =
        open ? named_of(&ready->named, ready->store, identity) : PG_NAMED_UNREACHABLE;
    return read;
}

/* ---- facts */

static const char *value(const struct readiness *ready, size_t column)
{
    return pg_call_value(&ready->answer, 0, column);
}

static uint64_t number(const struct readiness *ready, size_t column)
{
    uint64_t number = 0;
    const char *text = value(ready, column);
    (void)text_u64((struct span){text, strlen(text)}, &number);
    return number;
}

static bool is_true(const struct readiness *ready, size_t column)
{
    return strcmp(value(ready, column), "t") == 0;
}

/* What a promotion chose had this much; the first primary was never chosen, and has the first timeline. */
static bool is_promised(const struct readiness *ready, uint64_t position)
{
    uint64_t promised = ready->named.promoted_at;
    return promised != 0 ? position >= promised
                         : control_file_timeline(&ready->datadir.control) < ready->named.timeline;
}

static void take_answer(struct readiness *ready, const char *host, int primary)
{
    struct pg_readiness *facts = &ready->facts;
    uint64_t position = 0;
    int64_t lag = 0;
    int64_t most = ready->settings->postgres.max_lag;
    struct span position_text = {value(ready, POSITION), strlen(value(ready, POSITION))};
    struct span lag_text = {value(ready, LAG), strlen(value(ready, LAG))};
    (void)lsn_parse(position_text, &position);
    (void)text_i64(lag_text, &lag);
    facts->in_recovery = is_true(ready, RECOVERY);
    facts->read_only = strcmp(value(ready, READ_ONLY), "on") == 0;
    facts->same_system = ready->named.system_identifier == 0 ||
                         number(ready, SYSTEM) == ready->named.system_identifier;
    facts->streaming = is_true(ready, STREAMS);
    facts->from_named = facts->in_recovery
                            ? *host != '\0' && strcmp(value(ready, SENDER), host) == 0
                            : primary == ready->identity.ordinal;
    facts->timeline_ok = number(ready, TIMELINE) >= ready->named.timeline;
    facts->lag_ok = most == 0 || lag <= most;
    facts->promised = is_promised(ready, position);
    facts->outdated = facts->named == PG_NAMED_ME && facts->in_recovery &&
                      named_is_outdated(&ready->named, &ready->datadir, position);
    bool held = conninfo_is_held(value(ready, CONNINFO), clock_wall_ms() / 1000);
    const char *walfile = value(ready, WALFILE); /* its first eight digits are the timeline */
    ready->repair = (struct repair){
        .settings = ready->settings,
        .identity = &ready->identity,
        .named = &ready->named,
        .store = ready->store,
        .access = &ready->access,
        .local = &ready->local,
        .datadir = &ready->datadir,
        .deadline_ns = ready->deadline_ns,
        .in_recovery = facts->in_recovery,
        .streaming = strcmp(value(ready, SENDER), "") != 0 && facts->streaming,
        .held = held,
        .follows_another = facts->in_recovery && *host != '\0' &&
                           strstr(value(ready, CONNINFO), host) == NULL && !held,
        .system_identifier = number(ready, SYSTEM),
        .position = position,
        .slots = number(ready, SLOTS),
    };
    (void)lsn_timeline_parse((struct span){walfile, strlen(walfile) >= 8 ? 8 : 0},
                             &ready->repair.timeline);
}

static void take_facts(struct readiness *ready)
{
    char host[IDENTITY_NAME_MAX] = "";
    pid_t pid;
    int primary = named_followed(&ready->named, &ready->identity, &ready->datadir);
    if (primary >= 0)
        identity_host_name(&ready->identity, primary, host);
    ready->facts.was_named = primary == ready->identity.ordinal;
    ready->facts.adopting = ready->settings->adopt;
    ready->facts.writer =
        ready->datadir.data == PG_DATA_PRIMARY && datadir_server(&ready->datadir, &pid);
    ready->facts.same_system = true;
    if (ready->facts.reply == PG_REPLY_GOOD)
        take_answer(ready, host, primary);
}

/* ---- OrderedReady */

/* Does the name of one of the pods FIRST .. LAST not resolve? Silence is no answer. */
static bool is_any_absent(const struct readiness *ready, int first, int last)
{
    struct dns *dns = NULL;
    struct err ignored;
    size_t count = last >= first ? (size_t)(last - first) + 1 : 0;
    char(*texts)[IDENTITY_NAME_MAX] = calloc(count + 1, sizeof *texts);
    const char **names = calloc(count + 1, sizeof *names);
    struct dns_answer *answers = calloc(count + 1, sizeof *answers);
    bool absent = false;
    if (count > 0 && texts != NULL && names != NULL && answers != NULL &&
        dns_open(&dns, NULL, ready->identity.pod_ip.family, &ignored)) {
        for (size_t i = 0; i < count; i++) {
            identity_dns_name(&ready->identity, first + (int)i, texts[i]);
            names[i] = texts[i];
        }
        bool heard = dns_ask(dns, names, answers, count, clock_part_ns(ready->deadline_ns, DNS_MS),
                             &ignored);
        for (size_t i = 0; heard && i < count; i++)
            absent = absent || answers[i].outcome == DNS_ABSENT;
    }
    dns_close(dns);
    free(texts);
    free(names);
    free(answers);
    return absent;
}

/* A primary of a higher ordinal cannot come before this pod is ready; nor, where exec waits here because this
 * pod is named and its volume is lost, can any pod that could be promoted. */
static bool awaited_is_absent(const struct readiness *ready)
{
    int own = ready->identity.ordinal;
    int primary = named_followed(&ready->named, &ready->identity, &ready->datadir);
    if (ready->settings->pod_management != POD_MANAGEMENT_ORDERED)
        return false;
    if (primary > own)
        return is_any_absent(ready, primary, primary);
    return primary == own && ready->facts.life.waiting &&
           is_any_absent(ready, own + 1,
                         ready->identity.ordinal_start + ready->settings->replicas - 1);
}

/* ---- acts */

/* Nothing is fenced or promoted on a word that is a server's answer old. */
static bool still_says(struct readiness *ready, enum pg_named named)
{
    return read_register(ready) && ready->facts.named == named;
}

static bool is_clone_left_behind(const struct readiness *ready)
{
    const struct datadir *datadir = &ready->datadir;
    char named[IDENTITY_NAME_MAX];
    if (!is_unfinished(ready) || ready->facts.named != PG_NAMED_OTHER ||
        *datadir->remembered == '\0')
        return false;
    identity_pod_name(&ready->identity, ready->named.ordinal, named);
    return strcmp(datadir->remembered, named) != 0;
}

static void act(struct readiness *ready, const struct pg_probe_decision *decision,
                char text[static 512])
{
    struct err why;
    text[0] = '\0';
    if (decision->fence) {
        if (still_says(ready, PG_NAMED_OTHER) &&
            !fence_raise(&ready->datadir, &ready->local, ready->deadline_ns, &why))
            (void)snprintf(text, 512, "; the fence: %.400s", why.message);
        return;
    }
    if (is_clone_left_behind(ready)) {
        bool marked = datadir_write_mark(&ready->datadir, DATADIR_RESTART, "another\n", &why);
        (void)snprintf(text, 512, "; another pod is the primary now: %.400s",
                       marked ? "its container shall start anew" : why.message);
        return;
    }
    if (!decision->repair || ready->facts.reply != PG_REPLY_GOOD)
        return;
    bool promotes = ready->facts.in_recovery && ready->facts.named == PG_NAMED_ME;
    if (promotes && (ready->repair.held || !still_says(ready, PG_NAMED_ME)))
        return; /* held: the promotion that chose it compares once more */
    if (!repair_step(&ready->repair, text, &why))
        (void)snprintf(text, 512, "; %.500s", why.message);
}

static void judge(struct readiness *ready, int *status)
{
    char further[512];
    struct err ignored;
    ready->facts.life = probe_look_at_files(&ready->datadir);
    (void)datadir_read(&ready->datadir, &ignored);
    if (!ready->facts.life.cloning && !ready->facts.life.waiting)
        ask_server(ready);
    (void)read_register(ready);
    take_facts(ready);
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

bool probe_postgres_readiness(const struct invocation *inv, int *status, struct err *err)
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
    pg_call_free(&ready->answer);
    local_close(&ready->local);
    postgres_access_close(&ready->access);
    register_close(ready->store);
    datadir_close(&ready->datadir);
    free(ready);
    return done;
}
