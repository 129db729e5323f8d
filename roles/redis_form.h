#ifndef ROLES_REDIS_FORM_H
#define ROLES_REDIS_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "roles/placement.h"
#include "roles/redis_cluster.h"

/*
 * What a cluster still needs to be what it shall be: desired minus observed, so that a second run does
 * nothing and a killed one goes on. Pure: picture in, steps out. Used by `form` (all steps) and by a
 * failing readiness probe (the steps of its own server alone).
 */

enum form_step_kind {
    FORM_SET_EPOCH,  /* CLUSTER SET-CONFIG-EPOCH number (redis 3.0+: a node that knows nobody) */
    FORM_ADD_SLOTS,  /* CLUSTER ADDSLOTSRANGE (7.0+) */
    FORM_MEET,       /* CLUSTER MEET the target's verified address */
    FORM_REPLICATE,  /* CLUSTER REPLICATE id */
    FORM_PROMOTE,    /* CLUSTER FAILOVER FORCE: the master is lost, the masters' majority votes */
    FORM_TAKEOVER,   /* CLUSTER FAILOVER TAKEOVER: no majority is left, every pod has answered */
    FORM_FORGET,     /* CLUSTER FORGET id */
    FORM_BUMP_EPOCH, /* CLUSTER BUMPEPOCH: before slots that were abandoned are claimed anew, or
                          * where others believe in a higher one */
    FORM_ANNOUNCE,   /* CONFIG SET cluster-announce-ip */
    FORM_STEP_KINDS,
};

struct form_step {
    enum form_step_kind kind;
    int member;                /* whose server gets the command */
    int target;                /* member to meet, -1 */
    char id[REDIS_ID_LEN + 1]; /* node to replicate or to forget */
    int number;                /* epoch */
    struct slot_range range;
};

#define FORM_STEPS_MAX 4096

enum form_verdict {
    FORM_CONVERGED, /* nothing to do */
    FORM_WORK,      /* steps to do now */
    FORM_WAIT,      /* nothing to do now: what was done takes effect, or a pod is missing */
    FORM_REFUSE,    /* data would be at risk: a person must decide */
};

/* Why; each has one sentence (redis_form_sentence). */
enum form_reason {
    FORM_IS_CONVERGED,
    FORM_IS_FOREIGN,     /* a foreign server answers under a pod's name */
    FORM_IS_NOT_ORDAINS, /* a cluster that ordain did not make: --adopt */
    FORM_HAS_KEYS,       /* a server outside the cluster holds keys */
    FORM_LACKS_PODS,     /* a birth needs every pod */
    FORM_WAS_SEEDED,     /* every volume is empty, and the register says that they were not */
    FORM_NEEDS_REGISTER, /* a birth of servers whose ids nothing would remember */
    FORM_GIVES_BIRTH,    /* epochs and slots */
    FORM_BIRTH_ROLES,    /* each replica meets and follows its master */
    FORM_BIRTH_MEETS,    /* everybody meets everybody */
    FORM_HOLDER_AWAY,    /* a pod that may hold a lost owner's data has not answered */
    FORM_HOLDER_UNCLEAR, /* several pods may hold it, and none provably newest: --promote-replica */
    FORM_NO_HOLDER,      /* nobody holds it: --accept-empty-shard */
    FORM_PROMOTES,
    FORM_ABANDONS,     /* --accept-empty-shard: the lost owner is forgotten, its slots dealt anew */
    FORM_NO_OWNER,     /* slots that nobody owns or names an owner of: --promote-replica */
    FORM_MENDS,        /* addresses, strangers, roles, dead ids */
    FORM_TAKES_EFFECT, /* done, not yet seen everywhere */
    FORM_REASONS,
};

struct form_wish {
    int replicas, masters, start; /* of the birth */
    const int *master_of;         /* by placement_deal, one a pod of the birth */
    bool adopt;
    bool accept_empty_shard;
    int promote_ordinal; /* --promote-replica, -1 */
    int synced_ordinal;  /* this pod knows from its own volume that it was in sync with ... */
    char synced_to[REDIS_ID_LEN + 1]; /* ... this master; -1 and "": it does not */
    bool was_seeded;                  /* the register knows a birth of this cluster */
    bool forgets_scaled_in; /* failed nodes of pods beyond the birth whose names are gone */
    bool knows_again; /* there is a register, or --adopt: ids of the servers' own choice are known
                          * again by a later run */
};

struct form_plan {
    enum form_verdict verdict;
    enum form_reason reason;
    int about;    /* index of the member concerned, -1 */
    bool waiting; /* a step of this stage is under way */
    size_t count;
    struct form_step *steps; /* the caller's array of FORM_STEPS_MAX */
};

/* Decides; plan->steps must be set. PICTURE must have been drawn. */
void redis_form_decide(const struct cluster_picture *picture, const struct form_wish *wish,
                       struct form_plan *plan);

/* True for the three stages of a birth. */
bool redis_form_is_birth(enum form_reason reason);

/* The sentence of a reason, in the words of `ordain plan`. */
const char *redis_form_sentence(enum form_reason reason);

/* The member whose server owns the shard that pod MEMBER belongs to: the owner that it or its former
 * node replicates, else the owner of the first slot of its birth shard; index into picture->nodes, -1
 * where there is none. */
int redis_form_shard_owner(const struct cluster_picture *picture, const struct form_wish *wish,
                           int member);

#endif
