#include "init/redis/form_timeout.h"

#include <stdlib.h>
#include <string.h>

#include "init/redis/apply.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/* A server that has run for a while says "ok" one node timeout after it got its slots (redis 7.0
 * cluster.c clusterUpdateState), and its view is right once it was pinged, twice in one. 60 servers on
 * two busy cores can keep up with 1,000 ms; more get more. */
#define LOW_MS 1000
#define LOW_PER_POD_MS 16
/* A value that nobody sets by hand: 17 ms above a multiple of 25. */
#define STEP_MS 25
#define MARK_MS 17
#define RESTORE_MS 2000
#define PATIENCE_MS 20000

static int64_t low_ms(size_t pods)
{
    int64_t low = (int64_t)pods * LOW_PER_POD_MS;
    if (low < LOW_MS)
        low = LOW_MS;
    return (low + STEP_MS - 1) / STEP_MS * STEP_MS + MARK_MS;
}

static bool is_ours(int64_t timeout_ms)
{
    return timeout_ms >= LOW_MS && timeout_ms % STEP_MS == MARK_MS;
}

void form_timeouts_start(struct form_timeouts *timeouts, int64_t wished_ms)
{
    memset(timeouts, 0, sizeof(*timeouts));
    timeouts->wished_ms = wished_ms;
}

void form_timeouts_lower(struct form_timeouts *timeouts, struct observer *observer,
                         int64_t deadline_ns)
{
    if (timeouts->lowered)
        return;
    size_t count = observer->member_count;
    int64_t *lower = calloc(count + 1, sizeof(*lower));
    timeouts->before_ms = calloc(count + 1, sizeof(*timeouts->before_ms));
    timeouts->lowered = true;
    timeouts->until_ns = clock_deadline_ns(PATIENCE_MS);
    if (lower != NULL && timeouts->before_ms != NULL) {
        apply_read_timeouts(observer, deadline_ns);
        for (size_t i = 0; i < count; i++) {
            int64_t before_ms = observer->members[i].node_timeout_ms;
            if (before_ms <= low_ms(count))
                continue;
            timeouts->before_ms[i] = before_ms;
            lower[i] = low_ms(count);
        }
        timeouts->count = count;
        apply_write_timeouts(observer, lower, count, deadline_ns);
    }
    free(lower);
}

void form_timeouts_mend(struct form_timeouts *timeouts, struct observer *observer,
                        int64_t deadline_ns)
{
    if (timeouts->looked || timeouts->lowered)
        return;
    /* A server that has not answered yet is looked at later. */
    timeouts->looked = observer->picture.answered == observer->member_count;
    int64_t *mended = calloc(observer->member_count + 1, sizeof(*mended));
    apply_read_timeouts(observer, deadline_ns);
    size_t left = 0;
    for (size_t i = 0; mended != NULL && i < observer->member_count; i++) {
        bool ours = observer->picture.claims[i] == CLAIM_OURS;
        if (!ours || !is_ours(observer->members[i].node_timeout_ms))
            continue;
        mended[i] = timeouts->wished_ms;
        left++;
    }
    if (left > 0) {
        log_info("%zu servers still have the cluster-node-timeout of an earlier form: restored",
                 left);
        apply_write_timeouts(observer, mended, observer->member_count, deadline_ns);
    }
    free(mended);
}

void form_timeouts_relent(struct form_timeouts *timeouts, struct observer *observer)
{
    if (timeouts->count == 0 || !clock_expired(timeouts->until_ns))
        return;
    log_info("forming takes long: every server gets its own cluster-node-timeout back");
    form_timeouts_restore(timeouts, observer);
}

void form_timeouts_restore(struct form_timeouts *timeouts, struct observer *observer)
{
    if (timeouts->count > 0)
        apply_write_timeouts(observer, timeouts->before_ms, timeouts->count,
                             clock_deadline_ns(RESTORE_MS));
    free(timeouts->before_ms);
    timeouts->before_ms = NULL;
    timeouts->count = 0;
}
