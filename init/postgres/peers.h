#ifndef INIT_POSTGRES_PEERS_H
#define INIT_POSTGRES_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/net/dns.h"
#include "init/postgres/access.h"
#include "init/postgres/client.h"
#include "init/sys/err.h"

/*
 * The other pods of the set as they answer themselves: names by DNS, then one replication connection
 * each, all in parallel. A replication connection needs no SQL and no database: the walsender's
 * IDENTIFY_SYSTEM, SHOW and TIMELINE_HISTORY (PostgreSQL 17 docs, 54.4). A name that leads to another pod of the
 * set is no answer of its pod (client.h).
 */

struct pg_peer {
    int ordinal;
    char pod_name[IDENTITY_NAME_MAX];
    char dns_name[IDENTITY_NAME_MAX];
    char host_name[IDENTITY_NAME_MAX]; /* the same without the dot at its end */
    enum dns_outcome name;             /* DNS_ABSENT: no server of such a pod can exist */
    struct addr addr;                  /* ADDR_NONE unless the name was found */
    bool shared; /* another pod's name leads there, too, or this pod has that address */
    enum pg_answer
        answer; /* PG_ROWS: the members below are told; PG_SILENT too where there is no address */
    char message[256];    /* where it did not answer: why */
    bool leads_elsewhere; /* PG_SILENT: a Postgres answered that is not this pod's, or may not be */
    uint64_t system_identifier;
    uint32_t timeline;
    uint64_t lsn; /* of its WAL: flushed by a primary, received by a standby */
    bool in_recovery;
    int version;   /* 150018 */
    bool has_fork; /* its history left MINE, at */
    uint64_t fork;
    int server; /* of the client, at addr; -1: none */
    int kept;   /* the client's server for this peer, wherever it led last; -1: none yet */
    unsigned looks;
};

struct pg_peers {
    struct pg_peer
        *peers; /* of the birth and the named primary, without this pod; freed by peers_close */
    size_t count;
    struct pg_client *client; /* the connections are kept for the next look */
    struct dns *dns;
};

/* The pods of the birth (and NAMED, an ordinal beyond it, -1: none) but OWN_ORDINAL. Asks nobody yet. */
bool pg_peers_open(struct pg_peers *peers, const struct identity *identity, int replicas, int named,
                   struct err *err);
void pg_peers_close(struct pg_peers *peers);

/*
 * One look at the peer of ONLY, or at all of them (-1). MINE is the timeline whose fork in their
 * histories is asked for; 0: none. Who does not answer by DEADLINE_NS has no answer; only a DNS that
 * is silent to every question fails (ERR_LATER).
 */
bool pg_peers_look(struct pg_peers *peers, struct postgres_access *access,
                   const struct identity *identity, int only, uint32_t mine, int64_t deadline_ns,
                   struct err *err);

/* The peer of ORDINAL; NULL: there is none. */
const struct pg_peer *pg_peers_find(const struct pg_peers *peers, int ordinal);

/* "pg-1 (10.0.0.7)", for sentences. */
void pg_peer_describe(const struct pg_peer *peer, char text[static 320]);

#endif
