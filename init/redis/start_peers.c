#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/observe.h"
#include "init/redis/start_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/redis_info.h"

/* A start that finds its table waits less for names than a birth: an address that comes later is mended
 * by a probe, but a pair of newborns that do not know each other stays apart until then. */
#define RESTART_WAIT_MS 5000
/* A silent peer costs a start this much: it proves nothing. */
#define CONTACT_MS 1000
/* A restart that knows where a peer is waits no longer for the peer's old address, which swallows
 * packets when the pod has moved: a live one connects within a millisecond or two. */
#define CONNECT_MS 10
/* Bytes of an append-only file in which nothing was ever written: the base that a server begins with. */
#define EMPTY_AOF 128 /* measured: redis 7.0.15 89, redis 8.0.2 88, valkey 8.1.1 89 */

/* --- the list --- */

/* Of two rows of one pod the one that means more: my master's, then one that nobody flags as failed, then
 * one with an address. The other is a dead id's, and gets no address at all (start_table.c). */
static int row_worth(const struct start *start, const struct redis_node *row)
{
    const struct redis_table *table = &start->volume.nodes.table;
    const char *my_master = table->myself >= 0 ? table->nodes[table->myself].master_id : "";
    bool failed = (row->flags & (REDIS_FAIL | REDIS_PFAIL)) != 0;
    return (*my_master != '\0' && strcmp(row->id, my_master) == 0 ? 4 : 0) + (failed ? 0 : 2) +
           (*row->ip != '\0' ? 1 : 0);
}

static void fill_peer(struct start *start, struct start_peer *peer, int ordinal)
{
    peer->ordinal = ordinal;
    identity_dns_name(&start->identity, ordinal, peer->dns_name);
    identity_host_name(&start->identity, ordinal, peer->host_name);
    if (birth_spec_index(&start->spec, ordinal) >= 0)
        observe_birth_id(&start->identity, ordinal, peer->id);
    /* The table's row rules over the birth: a pod that lost its volume has another id. */
    const struct redis_table *table = &start->volume.nodes.table;
    int best = -1;
    for (size_t r = 0; start->volume.nodes.there && r < table->count; r++) {
        const struct redis_node *row = &table->nodes[r];
        bool named = identity_ordinal_of(&start->identity, row->hostname) == ordinal;
        bool by_birth = *row->hostname == '\0' && strcmp(row->id, peer->id) == 0;
        if ((int)r == table->myself || (!named && !by_birth) || row_worth(start, row) <= best)
            continue;
        best = row_worth(start, row);
        memcpy(peer->id, row->id, sizeof(peer->id));
        memcpy(peer->old_ip, row->ip, sizeof(peer->old_ip));
    }
}

static int greatest_ordinal(const struct start *start)
{
    int greatest = start->spec.start + start->spec.replicas - 1;
    const struct redis_table *table = &start->volume.nodes.table;
    for (size_t r = 0; start->volume.nodes.there && r < table->count; r++) {
        int ordinal = identity_ordinal_of(&start->identity, table->nodes[r].hostname);
        if (ordinal > greatest && ordinal < start->spec.start + PLACEMENT_PODS_MAX)
            greatest = ordinal;
    }
    return greatest > start->identity.ordinal ? greatest : start->identity.ordinal;
}

static bool list_peers(struct start *start)
{
    int last = greatest_ordinal(start);
    size_t room = (size_t)last - (size_t)start->spec.start + 1;
    start->peers = calloc(room, sizeof(*start->peers));
    if (start->peers == NULL)
        return false;
    for (int ordinal = start->spec.start; ordinal <= last; ordinal++) {
        if (ordinal == start->identity.ordinal)
            continue;
        fill_peer(start, &start->peers[start->peer_count++], ordinal);
        start->lower_count += ordinal < start->identity.ordinal;
    }
    return true;
}

void start_free_peers(struct start *start)
{
    free(start->peers);
    start->peers = NULL;
    start->peer_count = 0;
    start->lower_count = 0;
}

/* --- names --- */

static bool find_names(struct start *start, struct dns_answer *answers, struct err *err)
{
    const char **names = calloc(start->peer_count + 1, sizeof(*names));
    struct dns *dns = NULL;
    if (names == NULL)
        return err_set(err, ERR_IO, "out of memory for the peers' names");
    for (size_t i = 0; i < start->peer_count; i++)
        names[i] = start->peers[i].dns_name;
    bool done = dns_open(&dns, NULL, start->identity.pod_ip.family, err);
    bool found; /* a start goes on without those that do not come in time */
    int64_t wait_ms = start->settings->peer_wait_ms;
    if (start->volume.nodes.there && wait_ms > RESTART_WAIT_MS)
        wait_ms = RESTART_WAIT_MS;
    if (done && start->lower_count > 0)
        log_debug("looking for %zu peers, waiting for the %zu lower ones", start->peer_count,
                  start->lower_count);
    if (done)
        done = dns_wait(dns, names, answers, start->peer_count, start->lower_count,
                        clock_part_ns(start->deadline_ns, wait_ms), &found, err);
    dns_close(dns);
    free(names);
    /* A server that only restarts must not wait for a name server: its rows keep their addresses. */
    if (!done && err->kind == ERR_LATER && start->facts.file == START_FILE_WHOLE) {
        log_warn("%s; starting with the addresses of nodes.conf", err->message);
        start->dns_broken = true;
        return true;
    }
    return done;
}

/* --- who is there --- */

/* One address that may be a peer's. */
struct candidate {
    size_t peer;
    struct addr addr;
    bool by_name; /* DNS says so; else it is the row's old address */
};

#define CANDIDATES_MAX (DNS_ADDRS_MAX + 1)

static size_t list_candidates(const struct start *start, const struct dns_answer *answers,
                              struct candidate *candidates)
{
    size_t count = 0;
    for (size_t i = 0; i < start->peer_count; i++) {
        bool old_named = false;
        struct addr old;
        bool has_old = addr_parse(&old, start->peers[i].old_ip);
        for (size_t a = 0; a < answers[i].count; a++) {
            candidates[count++] = (struct candidate){i, answers[i].addrs[a], true};
            old_named = old_named || (has_old && addr_equal(&answers[i].addrs[a], &old));
        }
        if (has_old && !old_named && old.family == start->identity.pod_ip.family &&
            !addr_equal(&old, &start->identity.pod_ip))
            candidates[count++] = (struct candidate){i, old, false};
    }
    return count;
}

enum { ASK_MYID, ASK_NODES, ASK_INFO, ASK_COUNT };

/* An address counts once confirmed: the expected id answers, or nobody listens there yet. Where another
 * id answers it is nobody's of ours. Silence proves nothing: the address that DNS gives is used, and the
 * cluster bus itself verifies the id at first contact (redis 7.0 cluster.c clusterProcessPacket). */
static enum start_trust trust_of(const struct candidate *candidate, const struct start_peer *peer,
                                 const struct redis_call *myid)
{
    if (myid->answer == REDIS_TEXT)
        return strcmp(redis_call_text(myid), peer->id) == 0 ? START_TRUST_ID : START_TRUST_NONE;
    if (!candidate->by_name)
        return START_TRUST_NONE;
    return myid->answer == REDIS_NOBODY ? START_TRUST_NOBODY : START_TRUST_NAME;
}

/* --adopt: rows of a cluster that ordain did not make carry no host names; the pod at whose address a
 * row's id answers is that node. */
static void adopt_id(const struct start *start, struct start_peer *peer,
                     const struct redis_call *myid)
{
    const struct redis_table *table = &start->volume.nodes.table;
    if (!start->settings->adopt || !start->volume.nodes.there || myid->answer != REDIS_TEXT)
        return;
    int known = redis_table_find(table, peer->id);
    int row = redis_table_find(table, redis_call_text(myid));
    if (known < 0 && row >= 0 && row != table->myself && *table->nodes[row].hostname == '\0')
        memcpy(peer->id, table->nodes[row].id, sizeof(peer->id));
}

/* Of several rows that name one pod, that of the node which answers there is meant. */
static void choose_row(const struct start *start, struct start_peer *peer,
                       const struct redis_call *myid)
{
    const struct redis_table *table = &start->volume.nodes.table;
    if (!start->volume.nodes.there || myid->answer != REDIS_TEXT)
        return;
    int row = redis_table_find(table, redis_call_text(myid));
    if (row >= 0 && row != table->myself &&
        identity_ordinal_of(&start->identity, table->nodes[row].hostname) == peer->ordinal)
        memcpy(peer->id, table->nodes[row].id, sizeof(peer->id));
}

/* No key now, and none before: who deletes all of them leaves commands in the append-only file. Without
 * one nobody can tell. */
static bool has_nothing(const struct redis_call *call)
{
    struct redis_info info = redis_info_none();
    return redis_info_parse(&info, redis_call_text(call), call->len) && info.keys == 0 &&
           info.aof_size <= EMPTY_AOF;
}

static void judge(struct start *start, const struct candidate *candidate,
                  const struct redis_call *calls, size_t asked)
{
    struct start_peer *peer = &start->peers[candidate->peer];
    adopt_id(start, peer, &calls[ASK_MYID]);
    choose_row(start, peer, &calls[ASK_MYID]);
    enum start_trust trust = trust_of(candidate, peer, &calls[ASK_MYID]);
    if (trust == START_TRUST_NONE && calls[ASK_MYID].answer == REDIS_TEXT)
        log_debug("at %s, an address of '%s', another node answers", candidate->addr.text,
                  peer->host_name);
    if (candidate->by_name && calls[ASK_MYID].answer == REDIS_TEXT && trust == START_TRUST_NONE)
        peer->is_other = true;
    if (trust > peer->trust) {
        peer->trust = trust;
        memcpy(peer->ip, candidate->addr.text, sizeof(peer->ip));
    }
    if (asked != ASK_COUNT)
        return;
    /* My master's keys count for itself alone. Who may be there and cannot say has not said no. */
    bool said = calls[ASK_MYID].answer == REDIS_TEXT && start_hear(start, peer, &calls[ASK_NODES]);
    bool nobody = !candidate->by_name || calls[ASK_MYID].answer == REDIS_NOBODY;
    if (!said && !nobody && peer->heard_me < START_HEARD_SILENT)
        peer->heard_me = START_HEARD_SILENT;
    if (said && trust == START_TRUST_ID && calls[ASK_INFO].answer == REDIS_TEXT)
        peer->is_empty = has_nothing(&calls[ASK_INFO]);
}

static void ask(struct start *start, struct redis_client *client,
                const struct candidate *candidates, size_t count, size_t asked,
                struct redis_call *calls, int64_t connect_ms)
{
    static const char *const questions[ASK_COUNT][2] = {
        {"CLUSTER", "MYID" },
        {"CLUSTER", "NODES"},
        {"INFO",    NULL   }
    };
    for (size_t i = 0; i < count; i++) {
        const struct start_peer *peer = &start->peers[candidates[i].peer];
        int server = redis_client_server(client, &candidates[i].addr, start->settings->redis.port,
                                         peer->host_name);
        for (size_t q = 0; q < asked; q++)
            calls[i * asked + q] =
                redis_call_new(server, questions[q][1] != NULL ? 2 : 1, questions[q]);
    }
    redis_client_round(client, calls, count * asked, clock_part_ns(start->deadline_ns, connect_ms),
                       clock_part_ns(start->deadline_ns, CONTACT_MS));
    for (size_t i = 0; i < count; i++)
        judge(start, &candidates[i], &calls[i * asked], asked);
    redis_calls_free(calls, count * asked);
}

/* Keeps the addresses of peers that were not found where their names say. */
static size_t keep_unfound(const struct start *start, struct candidate *candidates, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (start->peers[candidates[i].peer].trust < START_TRUST_NOBODY)
            candidates[kept++] = candidates[i];
    return kept;
}

static const struct redis_table *own_table(const struct start *start)
{
    if (start->facts.file == START_FILE_WHOLE)
        return &start->volume.nodes.table;
    return volume_whole_copy(&start->volume);
}

bool start_is_my_master(const struct start *start, const struct start_peer *peer)
{
    const struct redis_table *table = own_table(start);
    if (table == NULL || table->myself < 0 || !start->facts.has_keys)
        return false;
    const char *master_id = table->nodes[table->myself].master_id;
    return *master_id != '\0' && strcmp(master_id, peer->id) == 0;
}

/* Where my master answers, if this pod holds keys: what a replica would follow. */
static bool find_master(const struct start *start, const struct candidate *candidates, size_t count,
                        struct candidate *master)
{
    for (size_t i = 0; i < count; i++) {
        const struct start_peer *peer = &start->peers[candidates[i].peer];
        if (peer->trust == START_TRUST_ID && start_is_my_master(start, peer) &&
            strcmp(peer->ip, candidates[i].addr.text) == 0) {
            *master = candidates[i];
            return true;
        }
    }
    return false;
}

static bool is_of_other_family(const struct start *start, const char *ip)
{
    struct addr addr;
    return addr_parse(&addr, ip) && addr.family != start->identity.pod_ip.family;
}

static bool table_is_of_other_family(const struct start *start)
{
    size_t i = 0;
    while (i < start->peer_count && !is_of_other_family(start, start->peers[i].old_ip))
        i++;
    return i < start->peer_count;
}

/* All pods of a cluster may move from IPv4 to IPv6 together, none alone. */
static bool check_family(const struct start *start, struct err *err)
{
    for (size_t i = 0; i < start->peer_count; i++) {
        const struct start_peer *peer = &start->peers[i];
        if (peer->trust == START_TRUST_ID && is_of_other_family(start, peer->own_ip))
            return err_set(err, ERR_CONFIG,
                           "POD_IP is '%s', and '%s' announces '%s': a cluster has addresses of "
                           "one family; change POD_IP of all pods, with all stopped, or of none",
                           start->identity.pod_ip.text, peer->host_name, peer->own_ip);
    }
    return true;
}

static bool contact(struct start *start, struct candidate *candidates, size_t count,
                    struct err *err)
{
    struct redis_client *client = NULL;
    struct redis_call *calls = calloc(count * ASK_COUNT + 1, sizeof(*calls));
    if (calls == NULL)
        return err_set(err, ERR_IO, "out of memory for the peers' answers");
    if (!redis_client_open(&client, start->settings, err)) {
        free(calls);
        return false;
    }
    /* A restart needs no more than each one's id, and of its master whether it still has its keys; else
     * whoever answers must be heard. */
    bool id_only = start->facts.file == START_FILE_WHOLE &&
                   start->facts.seeded != START_REGISTER_NONE && !table_is_of_other_family(start);
    if (id_only) {
        struct candidate master;
        ask(start, client, candidates, count, 1, calls, CONNECT_MS);
        if (find_master(start, candidates, count, &master))
            ask(start, client, &master, 1, ASK_COUNT, calls, CONTACT_MS);
        count = keep_unfound(start, candidates, count);
    }
    if (count > 0)
        ask(start, client, candidates, count, id_only ? 1 : ASK_COUNT, calls, CONTACT_MS);
    free(calls);
    redis_client_close(client);
    return true;
}

bool start_server_answers(struct start *start, struct err *err)
{
    static const char *const ping[] = {"PING"};
    struct redis_client *client = NULL;
    if (!redis_client_open(&client, start->settings, err))
        return false;
    char host[IDENTITY_NAME_MAX];
    identity_host_name(&start->identity, start->identity.ordinal, host);
    int server =
        redis_client_server(client, &start->identity.pod_ip, start->settings->redis.port, host);
    struct redis_call call = redis_call_new(server, 1, ping);
    int64_t until_ns = clock_part_ns(start->deadline_ns, CONTACT_MS);
    redis_client_round(client, &call, 1, until_ns, until_ns);
    start->facts.server_lives = call.answer == REDIS_TEXT || call.answer == REDIS_ERROR;
    redis_call_free(&call);
    redis_client_close(client);
    return true;
}

bool start_find_peers(struct start *start, struct err *err)
{
    if (!list_peers(start))
        return err_set(err, ERR_IO, "out of memory for the peers");
    if (start->peer_count == 0)
        return true;
    struct dns_answer *answers = calloc(start->peer_count, sizeof(*answers));
    struct candidate *candidates = calloc(start->peer_count * CANDIDATES_MAX, sizeof(*candidates));
    bool done = answers != NULL && candidates != NULL;
    if (!done)
        (void)err_set(err, ERR_IO, "out of memory for the peers' addresses");
    done = done && find_names(start, answers, err);
    if (done) {
        size_t count = list_candidates(start, answers, candidates);
        done = contact(start, candidates, count, err) && check_family(start, err);
    }
    if (done)
        start_conclude_hearsay(start);
    free(answers);
    free(candidates);
    return done;
}
