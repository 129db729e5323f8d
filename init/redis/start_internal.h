#ifndef INIT_REDIS_START_INTERNAL_H
#define INIT_REDIS_START_INTERNAL_H

#include "init/identity.h"
#include "init/net/dns.h"
#include "init/redis/birth_spec.h"
#include "init/redis/client.h"
#include "init/redis/start.h"
#include "init/redis/volume.h"
#include "init/register/register.h"
#include "roles/redis_mend.h"

/* How far an address is a peer's; more beats less. */
enum start_trust {
    START_TRUST_NONE,   /* none known, or another node answers there */
    START_TRUST_NAME,   /* DNS says so, and it is silent: the cluster bus itself verifies the id */
    START_TRUST_NOBODY, /* DNS says so, and no server listens there yet */
    START_TRUST_ID,     /* the expected node answers there */
};

/* One peer as a start sees it. */
struct start_peer {
    int ordinal;
    char id[REDIS_ID_LEN + 1]; /* of its birth, or of its row in nodes.conf; "" : neither */
    char dns_name[IDENTITY_NAME_MAX];
    char host_name[IDENTITY_NAME_MAX];
    char old_ip[46]; /* of its row in nodes.conf, "" */
    char own_ip[46]; /* that its server announces, "" where it was not heard */
    enum start_trust trust;
    char ip[46];                     /* "" while nothing is trusted */
    enum start_heard heard_me;       /* by its own table */
    enum mend_answer names_me_owner; /* of the slots that my row in the copy has; of masters only */
    bool is_other;                   /* another node than expected answers at its name */
    bool follows_my_address; /* it replicates my former node, at the address that is mine now */
    bool calls_me_owner;     /* its table gives me slots */
    uint64_t owner_epoch;    /* in which epoch, then */
    bool is_master;          /* with slots, by itself */
    bool is_empty;           /* it has no key, and its append-only file never had one */
};

/* All that one start knows. */
struct start {
    const struct settings *settings;
    int64_t deadline_ns;
    struct identity identity;
    struct birth_spec spec;
    char birth_id[REDIS_ID_LEN + 1];
    char seeded_id[REGISTER_VALUE_MAX]; /* of the birth that the register knows, "" */
    bool has_node_id;                   /* the register has an id since a loss of the volume ... */
    char node_id[REGISTER_VALUE_MAX];   /* ... which is this one */
    struct volume volume;
    struct start_facts facts;
    struct start_peer *peers; /* lower ordinals first, then the higher ones; not me */
    size_t peer_count;
    size_t lower_count;
    bool own_row_is_copy; /* a mend takes my own row from the copy */
    bool dns_broken;      /* a restart goes on without DNS: rows keep their addresses */
};

/* start_peers.c: fills start->peers from birth and table, finds their addresses, asks who is there and
 * what they know of me; then facts.heard and facts.master_reborn. */
bool start_find_peers(struct start *start, struct err *err);
void start_free_peers(struct start *start);
/* PEER is the master of this pod, which holds keys: its address counts only when it answers itself. */
bool start_is_my_master(const struct start *start, const struct start_peer *peer);
/* True when a server already answers at this pod's own address. */
bool start_server_answers(struct start *start, struct err *err);

/* start_hearsay.c: what the peers' tables say of me. start_hear takes one peer's CLUSTER NODES
 * (false: it is no word of that peer),
 * start_conclude_hearsay sums up into the facts. */
bool start_hear(const struct start *start, struct start_peer *peer, const struct redis_call *nodes);
void start_conclude_hearsay(struct start *start);
/* Mend_facts.owner_confirmed: does a majority of the other masters name me owner of the copy's slots? */
enum mend_answer start_owner_confirmed(const struct start *start);
/* Does a majority of the other masters give me slots, whichever? *epoch: the highest that they know. */
enum mend_answer start_called_owner(const struct start *start, uint64_t *epoch);

/* start_master.c: replication trusts addresses. Waits (bounded) until the master of a replica with keys
 * answers, as itself or as another; and, for a pod that joins anew, until nobody follows its address
 * (ERR_LATER at the deadline). */
bool start_await_master(struct start *start, struct err *err);
bool start_await_followers(struct start *start, struct err *err);

/* start_register.c: the fact `seeded`; a start that needs no register goes on without one that cannot be
 * read. Then what the register has to learn: of the birth before nodes.conf says it, so that whoever
 * finds the volume empty later knows that it was full; of a life that it does not know; of the new id of
 * a pod that lost its volume. */
bool start_read_register(struct start *start, struct register_store *store, struct err *err);
bool start_record_birth(struct start *start, struct register_store *store, struct err *err);
void start_record_life(struct start *start, struct register_store *store, const char *id);
void start_record_node(struct start *start, struct register_store *store, const char *id);

/* start_table.c: the table that the decision asks for, in memory of its own. */
struct start_table {
    struct redis_table table;
    char *texts; /* what its spans point to */
    struct mend_result mend;
};
bool start_make_table(const struct start *start, enum start_action action, struct start_table *made,
                      struct err *err);
void start_free_table(struct start_table *made);
/* What a mend would find, before anything is decided; sets own_row_is_copy. */
bool start_is_mendable(struct start *start);

/* start_report.c: facts, decision and steps as `ordain plan` shows them. */
void start_report(const struct start *start, const struct start_table *made,
                  const struct start_result *result, struct buf *out);

#endif
