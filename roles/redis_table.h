#ifndef ROLES_REDIS_TABLE_H
#define ROLES_REDIS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roles/text.h"

/*
 * A Redis Cluster's table as one node sees it: the grammar of nodes.conf and of CLUSTER NODES
 * (redis 7.0 cluster.c clusterLoadConfig, clusterGenNodeDescription; 7.2+ and Valkey 8 add aux
 * fields after the host name), parsed and written. Pure: the caller owns all memory; texts point
 * into the parsed input, which must outlive the table.
 *
 *   id ip:port@cport[,hostname[,aux=value...]] flags master|- ping pong epoch link [slots...]
 *   vars currentEpoch N lastVoteEpoch N
 */

#define REDIS_ID_LEN 40
#define REDIS_BUS_OFFSET                                                                           \
    10000 /* the cluster bus listens at port + this (redis 7.0 CLUSTER_PORT_INCR) */
#define REDIS_SLOTS 16384
#define REDIS_HOST_MAX 256

enum redis_flag {
    REDIS_MYSELF = 1 << 0,
    REDIS_MASTER = 1 << 1,
    REDIS_REPLICA = 1 << 2, /* "slave" or "replica" */
    REDIS_PFAIL = 1 << 3,   /* "fail?" */
    REDIS_FAIL = 1 << 4,
    REDIS_HANDSHAKE = 1 << 5,
    REDIS_NOADDR = 1 << 6,
    REDIS_NOFAILOVER = 1 << 7,
    REDIS_FLAG_UNKNOWN = 1 << 8, /* a word that this ordain does not know */
};

struct redis_node {
    char id[REDIS_ID_LEN + 1];
    char ip[46];                     /* "" : none known */
    int port;                        /* client port (TLS port in a TLS cluster), 0 unknown */
    int cport;                       /* bus port */
    char hostname[REDIS_HOST_MAX];   /* "" : none announced */
    char shard_id[REDIS_ID_LEN + 1]; /* "" : none */
    struct span
        aux; /* all that follows the host name's comma, verbatim ("shard-id=...,nodename=") */
    unsigned flags;                   /* enum redis_flag */
    char master_id[REDIS_ID_LEN + 1]; /* "" for a master */
    uint64_t ping_sent, pong_recv;    /* ms; 0: never */
    uint64_t epoch;                   /* configuration epoch */
    bool link_connected;
    struct span slots; /* the slot words, verbatim; open slots "[93->-id]" included */
    int slot_count;    /* slots owned */
    bool slots_open;   /* importing or migrating */
};

struct redis_table {
    struct redis_node *nodes; /* the caller's array */
    size_t capacity, count;
    int myself;                              /* index, -1: none */
    uint64_t current_epoch, last_vote_epoch; /* 0 where there is no vars line */
    bool has_vars;
    int16_t slot_owner[REDIS_SLOTS]; /* index of the owner, -1: nobody */
    int slots_assigned;
};

enum redis_table_status {
    REDIS_TABLE_OK,
    REDIS_TABLE_EMPTY, /* no row at all (an empty file, blank lines) */
    REDIS_TABLE_TORN,  /* a row or the vars line is cut or malformed; *line tells which */
    REDIS_TABLE_NO_MYSELF,
    REDIS_TABLE_TWO_MYSELF,
    REDIS_TABLE_NO_VARS,   /* nodes.conf without its last line: cut there */
    REDIS_TABLE_DUPLICATE, /* an id twice */
    REDIS_TABLE_TOO_MANY,  /* more rows than capacity */
    REDIS_TABLE_SHARD_IDS, /* nodes.conf: a replica's shard-id is not its master's */
};

/*
 * Parses TEXT. IS_FILE: nodes.conf (a vars line with both epochs is required, every line ends in a
 * newline); otherwise a CLUSTER NODES reply. Set table->nodes and table->capacity before. On any
 * status the rows that were whole are in the table, so that a mend can use them: of an id twice the
 * first one (a server writes from the beginning, so that in a torn file the newer rows come first),
 * of several myself all (the first is table->myself). *line (1-based, may be NULL) is the first bad
 * one, 0 where none is. Stricter than the server: whatever makes Redis 7.0.15, 8.0.2 or
 * Valkey 8.1.1 exit at load is told here first (tests/integration/test_nodes_conf.py); only unknown
 * aux fields are kept, for the sake of later servers.
 */
enum redis_table_status redis_table_parse(struct redis_table *table, const char *text, size_t len,
                                          bool is_file, size_t *line);

/* What is wrong, as the end of a sentence; "nothing" for REDIS_TABLE_OK. */
const char *redis_table_status_text(enum redis_table_status status);

/* Index of the node with this id; -1. */
int redis_table_find(const struct redis_table *table, const char *id);

/* The next range of slots that *SLOTS (a node's slot words) names, which moves behind it; open
 * slots are passed over. False at the end. */
bool redis_table_next_slots(struct span *slots, int *first, int *last);

/* Makes myself, slot_owner, slot_count and slots_assigned anew from the rows (after the caller
 * changed these). A slot that two rows name belongs to the first, as in a server. */
void redis_table_index(struct redis_table *table);

/* Writes the table as nodes.conf into OUT (SIZE bytes, NUL-terminated); returns the length, or 0
 * when it does not fit. Rows are written from their members: hostname, shard_id and aux as they are
 * (aux verbatim when set, else built from shard_id), slots verbatim. fail flags and handshake rows
 * are left out: a start looks afresh. ping_sent is written 0, pong_recv as it is. */
size_t redis_table_write(const struct redis_table *table, char *out, size_t size);

/* A line of text for each node, sorted by id: id ip:port@cport role master epoch(masters only)
 * slots (normalised, sorted ranges, open slots left out). Nodes in handshake or noaddr are written
 * with their flags, so that they never look converged. What every node of a converged cluster has
 * in common; the caller digests it. Returns the length, 0 when it does not fit. */
size_t redis_table_view(const struct redis_table *table, char *out, size_t size);

#endif
