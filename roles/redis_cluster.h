#ifndef ROLES_REDIS_CLUSTER_H
#define ROLES_REDIS_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roles/redis_info.h"
#include "roles/redis_table.h"

/*
 * One picture of a Redis Cluster from what each pod's server says: who is ours, who owns which slot, who
 * is lost. Pure: all memory is the caller's.
 */

/* What one look at one pod gave. Only the last means that its facts are known; the first four prove
 * nothing. */
enum member_contact {
    MEMBER_NO_NAME, /* DNS has no address for its name now */
    MEMBER_SILENT,  /* no answer in time */
    MEMBER_NOBODY,  /* connection refused: no server listens there now */
    MEMBER_STRANGE, /* it answers, but not as Redis does, or TLS failed */
    MEMBER_DENIED,  /* it refuses our user or password */
    MEMBER_BUSY,    /* it is Redis and cannot answer yet: LOADING, BUSY */
    MEMBER_ANSWERED,
};

struct cluster_member {
    int ordinal;
    enum member_contact contact;
    char problem[128]; /* what a pod that did not answer said or met, "" */
    char ip[46];       /* as DNS gives it */
    int port;
    char expected_id[REDIS_ID_LEN + 1]; /* of a pod of this cluster id at its birth */
    /* from here on only where it answered */
    char id[REDIS_ID_LEN + 1];
    bool announces;        /* it announces a host name */
    int announced_ordinal; /* the ordinal that this name stands for, -1: none of ours */
    struct redis_info info;
    struct redis_table table;
    int *
        row_ordinal; /* for each row of table: the pod it stands for, by birth id or host name; -1 */
    char view[65];   /* digest of redis_table_view */
    int64_t node_timeout_ms; /* -1: not asked */
};

enum cluster_claim {
    CLAIM_OURS,    /* of this cluster, or newborn and empty at our pod's address */
    CLAIM_FOREIGN, /* a server of something else answers under our pod's name */
    CLAIM_UNKNOWN, /* it has not answered, or is about to meet somebody */
};

/* A node that some server of ours knows. */
struct cluster_node {
    char id[REDIS_ID_LEN + 1];
    int ordinal; /* the pod it stands for, -1: unknown */
    int member;  /* index of the member that answers with this id, -1: none */
    bool is_master;
    char master_id[REDIS_ID_LEN + 1];
    uint64_t epoch;
    int slots;    /* that it owns in the picture */
    bool heard;   /* some server has heard of it (pong_recv not 0), or it answers */
    int failing;  /* servers that flag it fail */
    int doubted;  /* servers that flag it fail, fail? or noaddr */
    int known_by; /* servers that have a row of it, itself included */
    int alive_by; /* servers that have it connected, heard and without a flag */
    bool lost; /* proved: its pod answers, as another node and under the pod's name, and no server
                     * holds the old one for alive */
};

struct cluster_picture {
    const struct cluster_member *members;
    size_t member_count;
    enum cluster_claim *claims; /* the caller's array, one a member */
    struct cluster_node *nodes; /* the caller's array */
    size_t capacity, count;
    int16_t slot_owner[REDIS_SLOTS]; /* index into nodes, -1: nobody */
    int slots_assigned;
    size_t answered;  /* members that answered and are ours */
    bool has_cluster; /* some member of ours knows others or owns slots */
};

/*
 * Fills the picture; set members, member_count, claims, nodes and capacity before. ADOPT: servers that
 * know each other are ours even though their ids are not of ordain's making. False when the nodes do
 * not fit.
 */
bool cluster_picture_draw(struct cluster_picture *picture, bool adopt);

/* Index of a node by id; -1. */
int cluster_picture_find(const struct cluster_picture *picture, const char *id);
/* Index of the member of this ordinal; -1. */
int cluster_picture_member(const struct cluster_picture *picture, int ordinal);
/* A member's own row, NULL when it did not answer. */
const struct redis_node *cluster_member_self(const struct cluster_member *member);
/* A server that knows nobody, owns no slot, holds no key and never took part: safe to MEET. */
bool cluster_member_is_newborn(const struct cluster_member *member);

/* Why a cluster is not what it shall be, first match; CONVERGED when it is. */
enum cluster_health {
    CLUSTER_CONVERGED,
    CLUSTER_FOREIGN,       /* a foreign server under a pod's name */
    CLUSTER_INCOMPLETE,    /* a pod has not answered */
    CLUSTER_SLOTS,         /* slots without owner */
    CLUSTER_UNKNOWN_NODES, /* servers do not all know each other */
    CLUSTER_FAILING,       /* fail flags, handshakes, rows without address, links down */
    CLUSTER_NOT_OK,        /* a server says state fail */
    CLUSTER_REPLICATION,   /* a replica's link to its master is down */
    CLUSTER_VIEWS,         /* servers see different tables */
};
/* *about: index of the member concerned, -1. */
enum cluster_health cluster_picture_health(const struct cluster_picture *picture, int *about);

#endif
