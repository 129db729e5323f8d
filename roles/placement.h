#ifndef ROLES_PLACEMENT_H
#define ROLES_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACEMENT_SLOTS 16384
#define PLACEMENT_PODS_MAX 1000 /* Redis Cluster's own recommended limit of nodes */
#define PLACEMENT_ZONES_MAX 64  /* different zones */

/* A range of slots, both ends included. */
struct slot_range {
    uint16_t first, last;
};

/* The slots of master INDEX of MASTERS, dealt as `redis-cli --cluster create` deals them
 * (redis 7.0, redis-cli.c clusterManagerCommandCreate: slots per node a float, ends rounded to
 * nearest, the last master takes the rest) but in integers. INDEX < MASTERS, 1 <= MASTERS <=
 * PLACEMENT_PODS_MAX. */
struct slot_range placement_slots(int masters, int index);

/*
 * The birth's shards. Pod INDEX counts from 0 (ordinal less the first ordinal). The first MASTERS
 * pods are masters, pod i beyond replicates master (i mod MASTERS); with ZONES (one number a pod,
 * any number from 0 on, -1 for unknown; NULL: none told) the replicas are dealt so that, each aim
 * before the next,
 *   1. the same number of replicas, or one more, falls to each master,
 *   2. as few shards as possible have no replica outside their master's zone,
 *   3. as few replicas as possible share their master's zone (none when that can be),
 *   4. as few pairs of replicas of one shard as possible share a zone,
 *   5. as many replicas as possible have master (i mod MASTERS).
 * A pod of an unknown zone shares its zone with nobody, and is no help for aim 2 either.
 * MASTER_OF[i] is i itself for a master. The same input gives the same dealing, in every version.
 * False when the numbers make no cluster (MASTERS < 1, > PODS, PODS > PLACEMENT_PODS_MAX, more than
 * PLACEMENT_ZONES_MAX zones).
 */
bool placement_deal(int pods, int masters, const int *zones, int *master_of);

/* True when, by MASTER_OF, losing any one zone surely leaves every shard a pod: each has pods in
 * two known zones. (A pod of an unknown zone may be in the lost one.) */
bool placement_survives_zone(int pods, const int *zones, const int *master_of);

#endif
