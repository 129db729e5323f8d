#ifndef ROLES_REDIS_PROBE_H
#define ROLES_REDIS_PROBE_H

#include <stdbool.h>

/* What a probe answers. One table a question; the first row that matches answers. */

enum probe_reply {
    PROBE_REPLY_NONE,      /* refused, silent or cut off */
    PROBE_REPLY_STRANGE,   /* something that is not Redis */
    PROBE_REPLY_UNTRUSTED, /* it speaks TLS, and a certificate is not accepted */
    PROBE_REPLY_LOADING,   /* -LOADING, or INFO says so */
    PROBE_REPLY_DENIED,    /* -NOAUTH, -WRONGPASS, -NOPERM */
    PROBE_REPLY_ERROR, /* any other well-formed error: -BUSY, -MASTERDOWN, max number of clients */
    PROBE_REPLY_GOOD,
    PROBE_REPLY_VALUES,
};

struct probe_facts {
    enum probe_reply reply;
    bool cluster_ok;
    bool is_replica;
    bool has_place;    /* not an empty master of epoch 0, which a pod that joins anew is at first */
    bool place_is_due; /* the pod was there at the birth */
    bool link_up;      /* of a replica to its master */
    bool ordered;      /* OrderedReady */
    bool higher_is_absent; /* the name of a higher birth ordinal does not resolve */
};

struct probe_decision {
    bool yes;
    bool repair; /* a repair may help */
    int row;
    const char *sentence;
};

/* Any well-formed reply lives: a server that loads, lacks its master or runs a script is not dead. Nor
 * is one whose certificate has expired: a restart would not mend it, and would end them all. */
struct probe_decision redis_probe_liveness(const struct probe_facts *facts);

/* Ready is loaded, cluster ok and, for a replica, its link up; under OrderedReady loaded is enough while
 * a higher birth ordinal's pod does not exist, else pod 0 of a stopped cluster never became ready. */
struct probe_decision redis_probe_readiness(const struct probe_facts *facts);

#endif
