#ifndef INIT_REDIS_BIRTH_SPEC_H
#define INIT_REDIS_BIRTH_SPEC_H

#include <stdbool.h>

#include "init/identity.h"
#include "init/settings.h"
#include "init/sys/err.h"
#include "roles/placement.h"

/* A zone's name is a label value of Kubernetes: at most 63 bytes. */
#define BIRTH_ZONE_MAX 64

/*
 * What a Redis Cluster is born as: a constant of the pod template, the same on every pod. Arrays
 * count pods from 0 (ordinal less start) and hold `replicas` entries.
 */
struct birth_spec {
    int replicas;                      /* pods at birth: 3 .. PLACEMENT_PODS_MAX */
    int masters;                       /* 3 .. replicas */
    int start;                         /* the first ordinal */
    int zone_count;                    /* different zones; 0: none told */
    int zone_of[PLACEMENT_PODS_MAX];   /* 0 .. zone_count - 1 by first appearance, -1: not told */
    int master_of[PLACEMENT_PODS_MAX]; /* the pod's master; itself for a master */
    const char *zones; /* the setting, for birth_spec_zone; points into the settings */
    /* sha256 over cluster id, replicas, masters, start and zone_of: what decides who owns which
     * slots. To rename a zone is therefore no other spec. */
    char digest[65];
};

/*
 * Reads --replicas, --masters, --zones and deals the placement. ERR_CONFIG with the setting to mend
 * when the numbers make no cluster: replicas not told or below 3, masters below 3 or above
 * replicas, more than PLACEMENT_PODS_MAX pods, ordinals past ORDINAL_MAX, zones that are not one a
 * pod (an empty one is "not known") or no label values.
 */
bool birth_spec_read(struct birth_spec *spec, const struct settings *settings,
                     const struct identity *identity, struct err *err);

/* Index of ORDINAL in the arrays, -1 when it was not there at birth: such a pod joins as a replica,
 * without slots. */
int birth_spec_index(const struct birth_spec *spec, int ordinal);

/* True when ORDINAL is a master at birth. */
bool birth_spec_is_master(const struct birth_spec *spec, int ordinal);

/* Name of ORDINAL's zone at birth, "" when it is not told. */
void birth_spec_zone(const struct birth_spec *spec, int ordinal, char name[static BIRTH_ZONE_MAX]);

#endif
