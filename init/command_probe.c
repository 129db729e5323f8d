#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/command.h"
#include "init/identity.h"
#include "init/net/dns.h"
#include "init/postgres/probe.h"
#include "init/redis/birth_spec.h"
#include "init/redis/client.h"
#include "init/redis/repair.h"
#include "init/sys/clock.h"
#include "roles/redis_info.h"
#include "roles/redis_probe.h"

/* How much of the deadline the server itself may take; a repair has the rest. */
#define SERVER_MS 500
#define DNS_MS 150
#define SAVE_MS 150
/* How long after its start a server is looked after although it is ready. */
#define SETTLING_S 30
/* How long after a change of the table dead ids are looked for. */
#define HOUSEWORK_S 300
#define QUESTIONS 4

/* One server's answers. */
struct look {
    struct probe_facts facts;
    struct redis_info info;
    char said[160]; /* an error's text */
};

static enum probe_reply reply_of(const struct redis_call *call)
{
    switch (call->answer) {
    case REDIS_SILENT:
    case REDIS_NOBODY:
        return PROBE_REPLY_NONE;
    case REDIS_BROKEN:
        return PROBE_REPLY_STRANGE;
    case REDIS_UNTRUSTED:
        return PROBE_REPLY_UNTRUSTED;
    case REDIS_ERROR:
        if (redis_call_is_denied(call))
            return PROBE_REPLY_DENIED;
        return redis_call_is_error(call, "LOADING") ? PROBE_REPLY_LOADING : PROBE_REPLY_ERROR;
    case REDIS_TEXT:
    case REDIS_NUMBER:
    case REDIS_OTHER:
        break;
    }
    return PROBE_REPLY_GOOD;
}

/* The server of this pod: at the pod's address, or on the loopback where none is told. */
static int own_server(struct redis_client *client, const struct settings *settings)
{
    struct addr addr;
    struct identity identity;
    struct err ignored;
    char host[IDENTITY_NAME_MAX] = "localhost";
    if (!addr_parse(&addr, settings->pod_ip))
        (void)addr_parse(&addr, "127.0.0.1");
    bool tls = *settings->redis.tls_ca != '\0';
    if (tls && identity_read(&identity, settings, true, true, &ignored))
        identity_host_name(&identity, identity.ordinal, host);
    return redis_client_server(client, &addr, settings->redis.port, host);
}

static void read_replies(struct look *look, const struct redis_call *calls, size_t count)
{
    look->facts.reply = PROBE_REPLY_GOOD;
    for (size_t i = 0; i < count && look->facts.reply == PROBE_REPLY_GOOD; i++) {
        look->facts.reply = reply_of(&calls[i]);
        if (look->facts.reply != PROBE_REPLY_GOOD)
            (void)snprintf(look->said, sizeof(look->said), "%s", redis_call_text(&calls[i]));
        else
            (void)redis_info_parse(&look->info, redis_call_text(&calls[i]), calls[i].len);
    }
    if (look->facts.reply == PROBE_REPLY_GOOD && look->info.loading)
        look->facts.reply = PROBE_REPLY_LOADING;
    look->facts.cluster_ok = look->info.cluster_ok;
    look->facts.is_replica = look->info.role_known && !look->info.is_master;
    look->facts.link_up = look->info.master_link_up;
    /* Every master of a birth has an epoch; a server that was met empty has none. */
    look->facts.has_place = look->facts.is_replica || look->info.my_epoch > 0;
}

static void ask_server(struct redis_client *client, int server, bool readiness, int64_t deadline_ns,
                       struct look *look)
{
    /* Sections one by one: several in a call came with 7.0, and all of them are three times as much. */
    static const char *const questions[QUESTIONS][2] = {
        {"INFO",    "persistence"},
        {"INFO",    "replication"},
        {"INFO",    "server"     },
        {"CLUSTER", "INFO"       }
    };
    static const char *const ping[] = {"PING"};
    struct redis_call calls[QUESTIONS] = {redis_call_new(server, 1, ping)};
    size_t count = readiness ? QUESTIONS : 1;
    for (size_t i = 0; readiness && i < count; i++)
        calls[i] = redis_call_new(server, 2, questions[i]);
    int64_t until_ns = clock_part_ns(deadline_ns, SERVER_MS);
    redis_client_round(client, calls, count, until_ns, until_ns);
    look->info = redis_info_none();
    read_replies(look, calls, count);
    redis_calls_free(calls, count);
}

static bool was_born(const struct settings *settings)
{
    struct identity identity;
    struct err ignored;
    return !identity_read(&identity, settings, true, false, &ignored) ||
           identity.ordinal < identity.ordinal_start + settings->replicas;
}

/* Under OrderedReady: does the name of a higher birth ordinal not resolve? Silence is no answer. */
static bool higher_is_absent(const struct settings *settings, int64_t deadline_ns)
{
    struct identity identity;
    struct err ignored;
    struct dns *dns = NULL;
    struct birth_spec *spec = calloc(1, sizeof(*spec));
    bool absent = false;
    if (spec == NULL || !identity_read(&identity, settings, true, true, &ignored) ||
        !birth_spec_read(spec, settings, &identity, &ignored) ||
        !dns_open(&dns, NULL, identity.pod_ip.family, &ignored))
        goto out;
    int last = spec->start + spec->replicas - 1;
    size_t count = last > identity.ordinal ? (size_t)(last - identity.ordinal) : 0;
    char(*texts)[IDENTITY_NAME_MAX] = calloc(count + 1, sizeof(*texts));
    const char **names = calloc(count + 1, sizeof(*names));
    struct dns_answer *answers = calloc(count + 1, sizeof(*answers));
    if (count > 0 && texts != NULL && names != NULL && answers != NULL) {
        for (size_t i = 0; i < count; i++) {
            identity_dns_name(&identity, identity.ordinal + 1 + (int)i, texts[i]);
            names[i] = texts[i];
        }
        bool heard =
            dns_ask(dns, names, answers, count, clock_part_ns(deadline_ns, DNS_MS), &ignored);
        for (size_t i = 0; heard && i < count; i++)
            absent = absent || answers[i].outcome == DNS_ABSENT;
    }
    free(texts);
    free(names);
    free(answers);
out:
    dns_close(dns);
    free(spec);
    return absent;
}

static void answer(const struct probe_decision *decision, const struct look *look,
                   const char *repair)
{
    (void)printf("%s", decision->sentence);
    bool untrusted = look->facts.reply == PROBE_REPLY_UNTRUSTED;
    if ((!decision->yes || untrusted) && *look->said != '\0' &&
        look->facts.reply != PROBE_REPLY_DENIED)
        (void)printf(": %s", look->said);
    if (look->facts.reply == PROBE_REPLY_LOADING && look->info.loading_eta_s >= 0)
        (void)printf(", %lld s left", (long long)look->info.loading_eta_s);
    if (*repair != '\0')
        (void)printf("; %s", repair);
    (void)putchar('\n');
}

/* A ready pod may still have something to mend: ids of pods that lost their volumes stay in every table
 * until each server forgets them, soon after the change; and a server that has just started on addresses
 * of a stale name says "ok" until its node timeout finds out, which costs three of them to heal. */
static bool has_housework(const struct settings *settings, const struct look *look)
{
    if (look->info.uptime_s >= 0 && look->info.uptime_s < SETTLING_S)
        return true;
    return settings->replicas > 0 && look->info.known_nodes > settings->replicas &&
           repair_table_is_new(settings, HOUSEWORK_S);
}

static void readiness(const struct invocation *inv, int *status)
{
    struct look look = {0};
    char repair[512] = "";
    struct redis_client *client = NULL;
    struct err err;
    const struct settings *settings = inv->settings;
    *status = 1;
    if (!redis_client_open(&client, settings, &err)) {
        (void)printf("the server cannot be asked: %s\n", err.message);
        return;
    }
    int server = own_server(client, settings);
    ask_server(client, server, true, inv->deadline_ns, &look);
    look.facts.ordered = settings->pod_management == POD_MANAGEMENT_ORDERED;
    if (look.facts.reply == PROBE_REPLY_GOOD && !look.facts.is_replica &&
        repair_table_says_replica(settings)) {
        look.facts.is_replica = true; /* its master has no address yet */
        look.facts.link_up = false;
    }
    look.facts.place_is_due = look.facts.has_place || was_born(settings);
    struct probe_decision decision = redis_probe_readiness(&look.facts);
    if (decision.repair && look.facts.ordered && !decision.yes) {
        look.facts.higher_is_absent = higher_is_absent(settings, inv->deadline_ns);
        decision = redis_probe_readiness(&look.facts);
    }
    bool whole = decision.yes && look.facts.cluster_ok;
    if (whole)
        repair_copy(settings, client, server, look.facts.is_replica && look.facts.link_up,
                    clock_part_ns(inv->deadline_ns, SAVE_MS));
    redis_client_close(client);
    if (decision.repair || (whole && has_housework(settings, &look)))
        repair_self(settings, inv->deadline_ns, repair);
    answer(&decision, &look, decision.yes ? "" : repair);
    *status = decision.yes ? 0 : 1;
}

/* A Secret that is mistaken reaches all pods at once: it must not have all their servers killed. */
static bool liveness(const struct invocation *inv, int *status, struct err *err)
{
    struct look look = {0};
    struct redis_client *client = NULL;
    char trouble[512] = "";
    if (!redis_client_open(&client, inv->settings, err)) {
        (void)snprintf(trouble, sizeof(trouble), "%.500s", err->message);
        if (!redis_client_open_bare(&client, inv->settings, err))
            return false;
    }
    ask_server(client, own_server(client, inv->settings), false, inv->deadline_ns, &look);
    redis_client_close(client);
    struct probe_decision decision = redis_probe_liveness(&look.facts);
    answer(&decision, &look, trouble);
    *status = decision.yes ? 0 : 1;
    return true;
}

bool command_probe(const struct invocation *inv, int *status, struct err *err)
{
    const char *kind = inv->argc == 1 ? inv->argv[0] : "";
    if (strcmp(inv->engine, "postgres") == 0)
        return probe_postgres(inv, kind, status, err);
    if (strcmp(kind, "readiness") == 0) {
        readiness(inv, status);
        return true;
    }
    if (strcmp(kind, "liveness") == 0 || strcmp(kind, "startup") == 0)
        return liveness(inv, status, err);
    return err_set(err, ERR_USAGE, "probe takes one of startup, liveness, readiness");
}
