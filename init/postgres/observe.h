#ifndef INIT_POSTGRES_OBSERVE_H
#define INIT_POSTGRES_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/postgres/access.h"
#include "init/postgres/named.h"
#include "init/postgres/peers.h"
#include "init/register/register.h"
#include "init/settings.h"
#include "init/sys/err.h"
#include "roles/postgres_start.h"

/*
 * One look at the whole set, from any place that reaches the pods: the register; every pod over a replication
 * connection (peers.h), which tells timeline and position exactly; then over SQL as the superuser, which tells
 * the rest. What `form`, `promote` and `status` decide by.
 */

/* A row of pg_replication_slots (PostgreSQL 13 to 18). */
struct pg_slot {
    char name[64];
    bool is_physical, active;
    bool reserves;       /* restart_lsn is there: WAL is held from it on */
    bool lost;           /* wal_status: what it needs is gone */
    int64_t held_bytes;  /* of WAL between it and the server's own position; 0 where none is held */
    char wal_status[16]; /* reserved, extended, unreserved, lost; "" : it reserves none */
};

/* A standby as its upstream sees it: a row of pg_stat_replication. */
struct pg_sender {
    char application_name[64];
    char addr[64];       /* client_addr */
    char state[16];      /* startup, catchup, streaming, backup */
    char sync_state[16]; /* async, potential, sync, quorum */
    uint64_t sent, flush, replay;
    double lag_s; /* replay_lag; below 0: not told, as for one that has nothing to catch up with */
};

struct pg_member {
    const struct pg_peer
        *peer;             /* name, address, identifier, timeline, lsn as told by replication */
    enum pg_answer answer; /* of SQL: PG_ROWS, or why there is none */
    char message[256];

    /* PG_ROWS only, but for the first four, which a replication connection tells, too. */
    bool known; /* SQL or replication told: */
    bool in_recovery;
    uint64_t system_identifier;
    uint32_t timeline; /* written, or received and replayed */
    uint64_t lsn;      /* flushed, or received and replayed, whichever is further */
    bool read_only;
    uint64_t replay; /* of a standby */
    bool
        reads_own_wal; /* it was started, and has WAL of before that it has not read yet: LSN is too low */
    char receiver[24];       /* status of its WAL receiver; "" : none runs */
    char sender_host[256];   /* whom the receiver is connected to, as primary_conninfo spells it */
    char conninfo_host[256]; /* primary_conninfo's host */
    char *synchronous;       /* synchronous_standby_names; freed by pg_observer_look and _close */
    bool role_there, role_good; /* the replication role; good: LOGIN and REPLICATION */
    struct pg_slot *slots;
    size_t slot_count;
    struct pg_sender *senders; /* without connections of ordain's own */
    size_t sender_count;
    char *history; /* a primary's timeline history; "" on timeline 1 */
};

struct pg_observer {
    const struct settings *settings;
    struct identity identity; /* where this runs */
    struct identity everyone; /* the same with no place in the set: no pod is left out */
    struct postgres_access access;
    struct register_store *store;
    struct named named;
    struct err register_err; /* while !named.known: why */
    bool bears_register;     /* status: one that is wrong is told like one that is silent */
    struct pg_peers peers;
    bool peers_open;
    struct pg_member *members; /* the birth's pods by ordinal, then the named primary beyond them */
    int *servers;              /* one a member: the client's SQL connection; -1: none yet */
    size_t count;
};

/* Needs the names' settings and ORDAIN_REPLICAS (else ERR_CONFIG), no pod. Close it in any case. */
bool pg_observer_open(struct pg_observer *observer, const struct settings *settings,
                      struct err *err);
void pg_observer_close(struct pg_observer *observer);

/*
 * Looks at the register and all pods; who is silent for PATIENCE_MS has no answer. A register that does not
 * answer leaves named.known false, one that is wrong fails as named_read does; so does a silent DNS.
 */
bool pg_observer_look(struct pg_observer *observer, int64_t patience_ms, int64_t deadline_ns,
                      struct err *err);

/* The named primary's index in members; -1: nobody is named, or it is not known. */
int pg_observer_named(const struct pg_observer *observer);
/* The index of the pod of this ordinal; -1: it is not among them. */
int pg_observer_find(const struct pg_observer *observer, int64_t ordinal);
/* The SQL connection of member I; -1: it has none. */
int pg_observer_server(const struct pg_observer *observer, size_t i);
/* The identity that the pod of member I has. */
struct identity pg_observer_identity(const struct pg_observer *observer, size_t i);

/* Whether member I streams from member PRIMARY, as both of them say. */
bool pg_observer_streams(const struct pg_observer *observer, size_t i, size_t primary);
/* PRIMARY's row about member I; NULL: it has none. */
const struct pg_sender *pg_observer_sender(const struct pg_observer *observer, size_t i,
                                           size_t primary);
/* How the WAL of the standby I stands to PRIMARY's history. */
enum pg_relation pg_observer_relation(const struct pg_observer *observer, size_t i, size_t primary);

/* "pg-1 (10.0.0.7)", with why it does not answer where it does not: "pg-1: connection refused". */
void pg_observer_describe(const struct pg_observer *observer, size_t i, char text[static 512]);
/* The same without the pod: why it does not answer; only where it does not. */
void pg_observer_silence(const struct pg_observer *observer, size_t i, char text[static 512]);

#endif
