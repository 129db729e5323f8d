#include "init/postgres/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/clock.h"
#include "roles/lsn.h"
#include "roles/text.h"
#include "roles/timeline_history.h"

/* What one look may take of the time for names; a connection has the rest. */
#define NAMES_MS 1500

bool pg_peers_open(struct pg_peers *peers, const struct identity *identity, int replicas, int named,
                   struct err *err)
{
    int last = identity->ordinal_start + replicas - 1;
    *peers = (struct pg_peers){.peers = calloc((size_t)replicas + 1, sizeof *peers->peers)};
    if (peers->peers == NULL)
        return err_set(err, ERR_IO, "out of memory for the peers");
    for (int ordinal = identity->ordinal_start; ordinal <= last + 1; ordinal++) {
        int one = ordinal <= last ? ordinal : named;
        if (one == identity->ordinal || (ordinal > last && one <= last))
            continue;
        struct pg_peer *peer = &peers->peers[peers->count++];
        peer->ordinal = one;
        peer->server = peer->kept = -1;
        identity_pod_name(identity, one, peer->pod_name);
        identity_dns_name(identity, one, peer->dns_name);
        identity_host_name(identity, one, peer->host_name);
    }
    return dns_open(&peers->dns, NULL, identity->pod_ip.family, err) &&
           pg_client_open(&peers->client, err);
}

void pg_peers_close(struct pg_peers *peers)
{
    pg_client_close(peers->client);
    dns_close(peers->dns);
    free(peers->peers);
    *peers = (struct pg_peers){0};
}

const struct pg_peer *pg_peers_find(const struct pg_peers *peers, int ordinal)
{
    for (size_t i = 0; i < peers->count; i++)
        if (peers->peers[i].ordinal == ordinal)
            return &peers->peers[i];
    return NULL;
}

void pg_peer_describe(const struct pg_peer *peer, char text[static 320])
{
    if (peer->addr.family == ADDR_NONE)
        (void)snprintf(text, 320, "%s", peer->pod_name);
    else
        (void)snprintf(text, 320, "%s (%s)", peer->pod_name, peer->addr.text);
}

/* ---- names */

static bool find_names(struct pg_peers *peers, int only, int64_t deadline_ns, struct err *err)
{
    const char **names = calloc(peers->count + 1, sizeof *names);
    struct dns_answer *answers = calloc(peers->count + 1, sizeof *answers);
    size_t count = 0;
    bool done = names != NULL && answers != NULL;
    for (size_t i = 0; done && i < peers->count; i++)
        if (only < 0 || peers->peers[i].ordinal == only)
            names[count++] = peers->peers[i].dns_name;
    if (!done)
        err_set(err, ERR_IO, "out of memory for the peers' names");
    done = done &&
           dns_ask(peers->dns, names, answers, count, clock_part_ns(deadline_ns, NAMES_MS), err);
    count = 0;
    for (size_t i = 0; i < peers->count; i++) {
        struct pg_peer *peer = &peers->peers[i];
        peer->addr = (struct addr){0};
        peer->name = DNS_UNKNOWN;
        if (!done || (only >= 0 && peer->ordinal != only))
            continue;
        const struct dns_answer *answer = &answers[count++];
        peer->name = answer->outcome;
        if (answer->outcome == DNS_FOUND)
            peer->addr =
                answer->addrs[peer->looks++ % answer->count]; /* two: an old and a new pod */
    }
    free(names);
    free(answers);
    return done;
}

/* Where a server does not tell whose it is, an address that two pods would have tells nothing. */
static void mark_shared(struct pg_peers *peers, const struct identity *identity)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct pg_peer *peer = &peers->peers[i];
        peer->shared = identity->ordinal >= 0 && addr_equal(&peer->addr, &identity->pod_ip);
        for (size_t k = 0; k < peers->count; k++)
            if (k != i && addr_equal(&peer->addr, &peers->peers[k].addr))
                peer->shared = true;
    }
}

/* ---- who they are */

static struct span whole(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void take_identity(struct pg_peer *peer, const struct pg_call *call)
{
    struct span id = whole(pg_call_value(call, 0, 0));
    struct span timeline = whole(pg_call_value(call, 0, 1));
    uint64_t number = 0;
    bool good = call->rows.count == 1 && text_u64(id, &peer->system_identifier) &&
                text_u64(timeline, &number) && number > 0 && number <= UINT32_MAX &&
                lsn_parse(whole(pg_call_value(call, 0, 2)), &peer->lsn);
    peer->timeline = (uint32_t)number;
    if (!good) {
        peer->answer = PG_BROKEN;
        (void)snprintf(peer->message, sizeof peer->message,
                       "it answered IDENTIFY_SYSTEM with something else");
    }
}

static void take_history(struct pg_peer *peer, const struct pg_call *call, uint32_t mine)
{
    const char *text = pg_call_value(call, 0, 1);
    if (call->answer != PG_ROWS || call->rows.count != 1 ||
        timeline_history_left(text, strlen(text), peer->timeline, mine, &peer->has_fork,
                              &peer->fork) != TIMELINE_HISTORY_OK) {
        peer->answer = call->answer == PG_ROWS ? PG_BROKEN : call->answer;
        (void)snprintf(peer->message, sizeof peer->message, "its timeline's history: %.200s",
                       call->answer == PG_ROWS ? "it cannot be read" : call->message);
    }
}

/* The client's server at the peer's present address; -1: it has none. */
static int server_of(struct pg_peers *peers, struct postgres_access *access,
                     const struct identity *identity, struct pg_peer *peer)
{
    peer->server = -1;
    if (peer->addr.family == ADDR_NONE)
        return -1;
    struct pg_target target =
        postgres_access_replication(access, identity, peer->ordinal, &peer->addr);
    target.shared = peer->shared;
    return peer->server = peer->kept = pg_client_aim(peers->client, peer->kept, &target);
}

static void ask_identity(struct pg_peers *peers, struct postgres_access *access,
                         const struct identity *identity, struct pg_call *calls, int *servers,
                         int64_t deadline_ns)
{
    size_t count = 0;
    for (size_t i = 0; i < peers->count; i++) {
        struct pg_peer *peer = &peers->peers[i];
        peer->answer = PG_SILENT;
        peer->has_fork = false;
        peer->message[0] = '\0';
        peer->leads_elsewhere = false;
        servers[i] = server_of(peers, access, identity, peer);
        if (servers[i] < 0)
            continue;
        calls[count++] = pg_call_new(servers[i], "IDENTIFY_SYSTEM");
        calls[count++] = pg_call_new(servers[i], "SHOW transaction_read_only");
    }
    pg_client_round(peers->client, calls, count, deadline_ns, deadline_ns);
    count = 0;
    for (size_t i = 0; i < peers->count; i++) {
        struct pg_peer *peer = &peers->peers[i];
        if (servers[i] < 0)
            continue;
        const struct pg_call *identify = &calls[count];
        const struct pg_call *read_only = &calls[count + 1];
        count += 2;
        const struct pg_call *told = identify->answer != PG_ROWS ? identify : read_only;
        peer->answer = told->answer;
        peer->leads_elsewhere = pg_client_leads_elsewhere(peers->client, servers[i]);
        (void)snprintf(peer->message, sizeof peer->message, "%s", told->message);
        if (peer->answer != PG_ROWS)
            continue;
        /* 14 and later tell it at the start; before, a standby's transactions are read-only. */
        const char *standby = pg_client_parameter(peers->client, servers[i], "in_hot_standby");
        if (*standby == '\0')
            standby = pg_call_value(read_only, 0, 0);
        peer->in_recovery = strcmp(standby, "on") == 0;
        peer->version = pg_client_version(peers->client, servers[i]);
        take_identity(peer, identify);
    }
    pg_calls_free(calls, count);
}

static void ask_history(struct pg_peers *peers, struct pg_call *calls, const int *servers,
                        uint32_t mine, int64_t deadline_ns)
{
    char(*commands)[48] = calloc(peers->count + 1, sizeof *commands);
    size_t count = 0;
    for (size_t i = 0; i < peers->count && commands != NULL; i++) {
        const struct pg_peer *peer = &peers->peers[i];
        if (peer->answer != PG_ROWS || peer->timeline <= mine)
            continue;
        (void)snprintf(commands[count], sizeof *commands, "TIMELINE_HISTORY %u", peer->timeline);
        calls[count] = pg_call_new(servers[i], commands[count]);
        count++;
    }
    pg_client_round(peers->client, calls, count, deadline_ns, deadline_ns);
    count = 0;
    for (size_t i = 0; i < peers->count && commands != NULL; i++) {
        struct pg_peer *peer = &peers->peers[i];
        if (peer->answer == PG_ROWS && peer->timeline > mine)
            take_history(peer, &calls[count++], mine);
    }
    pg_calls_free(calls, count);
    free(commands);
}

bool pg_peers_look(struct pg_peers *peers, struct postgres_access *access,
                   const struct identity *identity, int only, uint32_t mine, int64_t deadline_ns,
                   struct err *err)
{
    struct pg_call *calls = calloc(2 * peers->count + 1, sizeof *calls);
    int *servers = calloc(peers->count + 1, sizeof *servers);
    bool done = calls != NULL && servers != NULL;
    if (!done)
        err_set(err, ERR_IO, "out of memory for the peers' answers");
    done = done && find_names(peers, only, deadline_ns, err);
    if (done) {
        mark_shared(peers, identity);
        ask_identity(peers, access, identity, calls, servers, deadline_ns);
        if (mine > 0)
            ask_history(peers, calls, servers, mine, deadline_ns);
    }
    free(calls);
    free(servers);
    return done;
}
