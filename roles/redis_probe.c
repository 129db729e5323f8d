#include "roles/redis_probe.h"

#include <stddef.h>

#include "roles/cells.h"

#define ALL (SET(PROBE_REPLY_VALUES) - 1)
#define NONE SET(PROBE_REPLY_NONE)
#define STRANGE SET(PROBE_REPLY_STRANGE)
#define UNTRUSTED SET(PROBE_REPLY_UNTRUSTED)
#define LOADING SET(PROBE_REPLY_LOADING)
#define DENIED SET(PROBE_REPLY_DENIED)
#define FAULT SET(PROBE_REPLY_ERROR)

struct row {
    unsigned reply;
    enum cell ok, replica, link, place, due, ordered, absent;
    bool yes, repair;
    const char *sentence;
};

/* clang-format off */
/*   reply    ok   replica link place due ordered absent  yes    repair */
static const struct row liveness[] = {
    {NONE,    ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "the server does not answer"},
    {STRANGE, ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "what answers is not Redis"},
    {UNTRUSTED, ANY, ANY, ANY, ANY, ANY, ANY, ANY, true, false, "alive, and TLS with it fails"},
    {LOADING, ANY, ANY, ANY, ANY, ANY, ANY, ANY, true,  false, "alive: loading its data"},
    {DENIED,  ANY, ANY, ANY, ANY, ANY, ANY, ANY, true,  false, "alive, and refuses our user or password"},
    {FAULT,   ANY, ANY, ANY, ANY, ANY, ANY, ANY, true,  false, "alive, and answers with an error"},
    {ALL,     ANY, ANY, ANY, ANY, ANY, ANY, ANY, true,  false, "alive"},
};

static const struct row readiness[] = {
    {NONE,    ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "the server does not answer"},
    {STRANGE, ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "what answers is not Redis"},
    {UNTRUSTED, ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "TLS with the server fails"},
    {LOADING, ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "the server is loading its data"},
    {DENIED,  ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "the server refuses our user or password; see --username and --password-file"},
    {FAULT,   ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, false, "the server answers with an error"},
    {ALL,     YES, NO,  ANY, YES, ANY, ANY, ANY, true,  false, "ready: master, the cluster is ok"},
    {ALL,     YES, NO,  ANY, NO,  NO,  ANY, ANY, true,  true,  "ready: no slots yet, the cluster is ok"},
    {ALL,     YES, YES, YES, ANY, ANY, ANY, ANY, true,  false, "ready: replica, its link is up, the cluster is ok"},
    {ALL,     ANY, ANY, ANY, ANY, ANY, YES, YES, true,  true,  "ready: loaded, and a higher pod does not exist yet (OrderedReady)"},
    {ALL,     NO,  ANY, ANY, ANY, ANY, ANY, ANY, false, true,  "the cluster is not ok"},
    {ALL,     YES, NO,  ANY, NO,  YES, ANY, ANY, false, true,  "it joins anew: no slots and no master yet"},
    {ALL,     ANY, ANY, ANY, ANY, ANY, ANY, ANY, false, true,  "the replica's link to its master is down"},
};
/* clang-format on */

static struct probe_decision decide(const struct row *table, size_t count,
                                    const struct probe_facts *facts)
{
    size_t i = 0;
    while (i < count - 1) {
        const struct row *row = &table[i];
        if (in(row->reply, facts->reply) && is(row->ok, facts->cluster_ok) &&
            is(row->replica, facts->is_replica) && is(row->link, facts->link_up) &&
            is(row->place, facts->has_place) && is(row->due, facts->place_is_due) &&
            is(row->ordered, facts->ordered) && is(row->absent, facts->higher_is_absent))
            break;
        i++;
    }
    return (struct probe_decision){table[i].yes, table[i].repair, (int)i, table[i].sentence};
}

struct probe_decision redis_probe_liveness(const struct probe_facts *facts)
{
    return decide(liveness, sizeof(liveness) / sizeof(liveness[0]), facts);
}

struct probe_decision redis_probe_readiness(const struct probe_facts *facts)
{
    return decide(readiness, sizeof(readiness) / sizeof(readiness[0]), facts);
}
