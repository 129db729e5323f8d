#ifndef ROLES_REDIS_CLUSTER_H
#define ROLES_REDIS_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roles/redis_claim.h"
#include "roles/redis_member.h"
#include "roles/redis_table.h"

/*
 * One picture of a Redis Cluster from what each pod's server says: who is ours, who owns which slot, who
 * is lost. Pure: all memory is the caller's.
 */

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

/* Index of a node by id (an array of REDIS_ID_LEN + 1; "" is nobody's); -1. */
int cluster_picture_find(const struct cluster_picture *picture, const char *id);
/* Index of the member of this ordinal; -1. */
int cluster_picture_member(const struct cluster_picture *picture, int ordinal);

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
