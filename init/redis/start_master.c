#include <string.h>

#include "init/redis/start_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/*
 * Replication trusts an address, not an id: a replica that finds an empty server where its master was
 * copies the emptiness (seen on redis 7.0.15: all keys of the shard). So a replica that holds keys gets
 * its master's address only when the master itself answers there, and a pod that joins anew starts its
 * server only when no replica of its former node still follows its address.
 */

#define LOOK_MS 300
#define MASTER_WAIT_MS 5000

static const struct start_peer *my_master(const struct start *start)
{
    for (size_t i = 0; i < start->peer_count; i++)
        if (start_is_my_master(start, &start->peers[i]))
            return &start->peers[i];
    return NULL;
}

static bool look_again(struct start *start, int64_t until_ns, struct err *err, bool *again)
{
    *again = clock_pause(LOOK_MS, until_ns);
    if (!*again)
        return true;
    start_free_peers(start);
    return start_find_peers(start, err);
}

bool start_await_master(struct start *start, struct err *err)
{
    bool ordered = start->settings->pod_management == POD_MANAGEMENT_ORDERED;
    int64_t until_ns = clock_part_ns(start->deadline_ns, MASTER_WAIT_MS);
    bool again = true;
    while (again && !start->dns_broken) {
        const struct start_peer *master = my_master(start);
        if (master == NULL || master->trust == START_TRUST_ID || master->is_other ||
            (ordered && master->ordinal > start->identity.ordinal))
            break;
        log_wait("'%s', whose replica this pod is, to answer", master->host_name);
        if (!look_again(start, until_ns, err, &again))
            return false;
    }
    log_wait_end();
    return true;
}

bool start_await_followers(struct start *start, struct err *err)
{
    bool again = true;
    for (;;) {
        const struct start_peer *follower = NULL;
        for (size_t i = 0; i < start->peer_count; i++)
            if (start->peers[i].follows_my_address)
                follower = &start->peers[i];
        if (follower == NULL || !again) {
            log_wait_end();
            return follower == NULL ||
                   err_set(
                       err, ERR_LATER,
                       "'%s' still follows this pod's lost node at this address, and would copy "
                       "an empty server: it must be promoted first",
                       follower->host_name);
        }
        log_wait("'%s', which holds this pod's lost data, to be promoted", follower->host_name);
        if (!look_again(start, start->deadline_ns, err, &again))
            return false;
    }
}
