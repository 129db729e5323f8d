#include "init/postgres/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/observe_sql.h"
#include "init/sys/clock.h"
#include "roles/timeline_history.h"

bool pg_observer_open(struct pg_observer *observer, const struct settings *settings,
                      struct err *err)
{
    *observer = (struct pg_observer){.settings = settings, .named = {.ordinal = -1}};
    if (!identity_read(&observer->identity, settings, false, true, err))
        return false;
    if (settings->replicas == 0)
        return err_set(err, ERR_CONFIG, "how many pods? Set ORDAIN_REPLICAS, a constant at birth");
    observer->everyone = observer->identity;
    observer->everyone.ordinal = -1;
    observer->everyone.pod_name[0] = '\0';
    return postgres_access_open(&observer->access, settings, err) &&
           register_open(&observer->store, settings->register_name, observer->identity.statefulset,
                         observer->identity.namespace_name, observer->identity.cluster_id, err);
}

static void forget(struct pg_observer *observer)
{
    for (size_t i = 0; i < observer->count; i++)
        pg_member_clear(&observer->members[i]);
    free(observer->members);
    free(observer->servers);
    observer->members = NULL;
    observer->servers = NULL;
    observer->count = 0;
    if (observer->peers_open)
        pg_peers_close(&observer->peers);
    observer->peers_open = false;
}

void pg_observer_close(struct pg_observer *observer)
{
    forget(observer);
    register_close(observer->store);
    postgres_access_close(&observer->access);
}

/* Anew where the register names a pod that was not among them. */
static bool open_members(struct pg_observer *observer, struct err *err)
{
    int named = observer->named.ordinal;
    if (observer->peers_open && (named < 0 || pg_peers_find(&observer->peers, named) != NULL))
        return true;
    forget(observer);
    observer->peers_open = true;
    if (!pg_peers_open(&observer->peers, &observer->everyone, observer->settings->replicas, named,
                       err))
        return false;
    size_t count = observer->peers.count;
    observer->members = calloc(count, sizeof *observer->members);
    observer->servers = calloc(count, sizeof *observer->servers);
    if (observer->members == NULL || observer->servers == NULL)
        return err_set(err, ERR_IO, "out of memory for the pods");
    observer->count = count;
    for (size_t i = 0; i < count; i++) {
        observer->members[i].peer = &observer->peers.peers[i];
        observer->servers[i] = -1;
    }
    return true;
}

static bool read_register(struct pg_observer *observer, int64_t deadline_ns, struct err *err)
{
    if (named_read(&observer->named, observer->store, &observer->identity, deadline_ns,
                   &observer->register_err))
        return true;
    observer->named = (struct named){.ordinal = -1};
    if (observer->bears_register || observer->register_err.kind == ERR_LATER)
        return true;
    *err = observer->register_err;
    return false;
}

/* The client's SQL connection at the pod's present address. */
static void aim(struct pg_observer *observer, size_t i)
{
    const struct pg_peer *peer = observer->members[i].peer;
    if (peer->addr.family == ADDR_NONE)
        return;
    struct pg_target target =
        postgres_access_admin(&observer->access, &observer->everyone, peer->ordinal, &peer->addr);
    target.shared = peer->shared;
    observer->servers[i] = pg_client_aim(observer->peers.client, observer->servers[i], &target);
}

bool pg_observer_look(struct pg_observer *observer, int64_t patience_ms, int64_t deadline_ns,
                      struct err *err)
{
    if (!read_register(observer, clock_part_ns(deadline_ns, patience_ms), err) ||
        !open_members(observer, err) ||
        !pg_peers_look(&observer->peers, &observer->access, &observer->everyone, -1, 0,
                       clock_part_ns(deadline_ns, patience_ms), err))
        return false;
    for (size_t i = 0; i < observer->count; i++)
        aim(observer, i);
    return pg_observe_sql(observer, clock_part_ns(deadline_ns, patience_ms), err);
}

int pg_observer_named(const struct pg_observer *observer)
{
    return observer->named.known ? pg_observer_find(observer, observer->named.ordinal) : -1;
}

int pg_observer_find(const struct pg_observer *observer, int64_t ordinal)
{
    for (size_t i = 0; i < observer->count; i++)
        if (observer->members[i].peer->ordinal == ordinal)
            return (int)i;
    return -1;
}

int pg_observer_server(const struct pg_observer *observer, size_t i)
{
    return observer->servers[i];
}

struct identity pg_observer_identity(const struct pg_observer *observer, size_t i)
{
    struct identity identity = observer->everyone;
    identity.ordinal = observer->members[i].peer->ordinal;
    identity_pod_name(&identity, identity.ordinal, identity.pod_name);
    identity.pod_ip = observer->members[i].peer->addr;
    return identity;
}

const struct pg_sender *pg_observer_sender(const struct pg_observer *observer, size_t i,
                                           size_t primary)
{
    const struct pg_peer *peer = observer->members[i].peer;
    const struct pg_member *from = &observer->members[primary];
    for (size_t k = 0; k < from->sender_count; k++)
        if (strcmp(from->senders[k].application_name, peer->pod_name) == 0 ||
            (peer->addr.family != ADDR_NONE && strcmp(from->senders[k].addr, peer->addr.text) == 0))
            return &from->senders[k];
    return NULL;
}

/* A receiver tells whom it is connected to as primary_conninfo spells it; a standby that ordain did not
 * make may spell it in another way. */
bool pg_observer_streams(const struct pg_observer *observer, size_t i, size_t primary)
{
    const struct pg_member *member = &observer->members[i];
    const struct pg_member *from = &observer->members[primary];
    const struct pg_sender *sender = pg_observer_sender(observer, i, primary);
    return member->answer == PG_ROWS && strcmp(member->receiver, "streaming") == 0 &&
           sender != NULL && strcmp(sender->state, "streaming") == 0 &&
           (strcmp(member->sender_host, from->peer->host_name) == 0 ||
            strcmp(member->sender_host, from->peer->addr.text) == 0 ||
            identity_ordinal_of(&observer->identity, member->sender_host) == from->peer->ordinal);
}

enum pg_relation pg_observer_relation(const struct pg_observer *observer, size_t i, size_t primary)
{
    const struct pg_member *mine = &observer->members[i];
    const struct pg_member *theirs = &observer->members[primary];
    uint64_t fork = 0;
    bool has_fork = false;
    if (!mine->known || !theirs->known || theirs->answer != PG_ROWS)
        return PG_RELATION_UNKNOWN;
    if (mine->timeline < theirs->timeline) {
        const char *text = theirs->history != NULL ? theirs->history : "";
        if (timeline_history_left(text, strlen(text), theirs->timeline, mine->timeline, &has_fork,
                                  &fork) != TIMELINE_HISTORY_OK)
            return PG_RELATION_UNKNOWN;
    }
    return postgres_relation(mine->timeline, mine->lsn, theirs->timeline, theirs->lsn, has_fork,
                             fork);
}

void pg_observer_describe(const struct pg_observer *observer, size_t i, char text[static 512])
{
    const struct pg_member *member = &observer->members[i];
    char who[320];
    char why[512];
    pg_peer_describe(member->peer, who);
    pg_observer_silence(observer, i, why);
    (void)snprintf(text, 512, "%s%s%.180s", who, member->answer != PG_ROWS ? ": " : "",
                   member->answer != PG_ROWS ? why : "");
}

void pg_observer_silence(const struct pg_observer *observer, size_t i, char text[static 512])
{
    const struct pg_member *member = &observer->members[i];
    if (member->peer->addr.family == ADDR_NONE)
        (void)snprintf(text, 512, "its name has no address (yet)");
    else
        (void)snprintf(text, 512, "%.180s",
                       *member->message != '\0' ? member->message : "no answer");
}
