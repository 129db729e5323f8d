#ifndef ROLES_PLACEMENT_H
#define ROLES_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACEMENT_SLOTS 16384
#define PLACEMENT_PODS_MAX 1000 /* Redis Cluster's own recommended limit of nodes */

/* A range of slots, both ends included. */
struct slot_range {
    uint16_t first, last;
};

/* The slots of master INDEX of MASTERS, dealt as `redis-cli --cluster create` deals them (redis 7.0,
 * redis-cli.c clusterManagerCommandCreate: slots per node a float, ends rounded to nearest, the last
 * master takes the rest) but in integers. INDEX < MASTERS, 1 <= MASTERS <= 16384. */
struct slot_range placement_slots(int masters, int index);

/*
 * The birth's shards. Pod INDEX counts from 0 (ordinal less the first ordinal). The first MASTERS pods
 * are masters, pod i beyond replicates master (i mod MASTERS); with ZONES (one number a pod, -1 for
 * unknown; NULL: none told) replicas are dealt so that the same number of replicas (differing by at
 * most one) falls to each master, no master and its replica share a zone when that is possible, a
 * shard's replicas spread over zones, and, among such dealings, the one closest to (i mod MASTERS).
 * MASTER_OF[i] is i itself for a master. Deterministic. False when the numbers make no cluster
 * (MASTERS < 1, > PODS, PODS > PLACEMENT_PODS_MAX).
 */
bool placement_deal(int pods, int masters, const int *zones, int *master_of);

/* True when, by MASTER_OF, losing any one zone leaves every shard a pod. */
bool placement_survives_zone(int pods, const int *zones, const int *master_of);

#endif
