#ifndef INIT_REDIS_OBSERVE_H
#define INIT_REDIS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/net/dns.h"
#include "init/redis/birth_spec.h"
#include "init/redis/client.h"
#include "init/settings.h"
#include "roles/redis_cluster.h"

/* One of two servers of which one was told to meet the other: who it was then, and where. */
struct meet_side {
    size_t member;
    char id[REDIS_ID_LEN + 1];
    char ip[46];
};

struct meet {
    struct meet_side one, other;
};

/*
 * Looks at every pod of the cluster at once and draws the picture: names by DNS, then one pipelined
 * round to every address. Reads only. Connections are kept between two looks.
 */
struct observer {
    const struct settings *settings;
    struct identity identity;
    struct birth_spec spec;
    struct dns *dns;
    struct redis_client *client;
    /* one look; made anew by the next */
    struct cluster_member *members;
    size_t member_count; /* pods: the birth's and whatever lies beyond and has a name */
    struct redis_call *calls;
    size_t call_count;
    struct cluster_picture picture;
    bool dns_broken; /* no name server answered; the last addresses were used */
    bool names_end;  /* each name that was asked for beyond the birth exists, or is known not to */
    /* kept between looks */
    struct dns_answer *answers;
    char (*names)[IDENTITY_NAME_MAX];
    size_t room;
    /* One a pod of the birth: the id that the register knows, "": none, and its birth's id counts. */
    char (*recorded)[REDIS_ID_LEN + 1];
    char own_id[REDIS_ID_LEN + 1]; /* of this pod's node, by its own volume's mark; "": not known */
    struct meet *meets;            /* handshakes that may be under way (meet.h) */
    size_t meet_count;
};

/* Reads identity and birth spec, opens resolver and client. NEED_POD as for identity_read. */
bool observer_open(struct observer *observer, const struct settings *settings, bool need_pod,
                   struct err *err);
void observer_close(struct observer *observer);

/* One look, done by DEADLINE_NS; silent pods cost at most PATIENCE_MS. FRESH_NAMES: asks DNS again for
 * all names; else only for those not known yet. It fails only for want of memory. */
bool observer_look(struct observer *observer, bool fresh_names, int64_t patience_ms,
                   int64_t deadline_ns, struct err *err);

/* Index of a server of the client for member INDEX; its name is what its certificate carries. */
int observer_server(struct observer *observer, size_t index);

/* "redis-3 (10.0.0.7)", for sentences; valid until the next call but one. */
const char *observer_name(const struct observer *observer, int member);

/* The hex id of pod ORDINAL at its birth: sha1 of "<cluster id>/<pod name>". */
void observe_birth_id(const struct identity *identity, int ordinal,
                      char id[static REDIS_ID_LEN + 1]);

#endif
