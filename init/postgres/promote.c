#include "init/postgres/promote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/alter_system.h"
#include "init/postgres/form_apply.h"
#include "init/postgres/promote_look.h"
#include "init/postgres/promotion.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/lsn.h"

#define LOOK_MS 3000
#define WAIT_MS 250
#define STILL_MS 50 /* between two looks that must show the same positions */
#define RELEASE_MS 3000
#define PROMOTE_S 60   /* what a server may take for the rest of its WAL */
#define AFTER_MS 15000 /* for the other standbys */

static bool refuse(const struct promote_look *look, struct err *err)
{
    char text[1024];
    promote_look_sentence(look, text);
    return err_set(err, ERR_REFUSED, "%s", text);
}

static bool is_promotion(const struct promote_look *look)
{
    return look->decision.verdict == PG_PROMOTE_GO || look->decision.verdict == PG_PROMOTE_FINISH;
}

/* A pod that refuses our password is more than late. */
static bool give_up_waiting(const struct promote_look *look, struct err *err)
{
    char text[1024];
    if (is_promotion(look))
        return err_set(err, ERR_LATER,
                       "a pod can take over, and there is no time left to hold the standbys and "
                       "look again: set a longer --timeout");
    promote_look_sentence(look, text);
    int about = look->decision.about;
    bool denied = about >= 0 && look->observer.members[about].peer->answer == PG_DENIED;
    return err_set(err, denied ? ERR_DENIED : ERR_LATER, "%s", text);
}

/* One look. *ready: it is decided, and what a promotion is decided by cannot change any more. */
static bool look_once(struct promote_look *look, bool *ready, int64_t deadline_ns, struct err *err)
{
    bool still = false;
    if (!promote_look_see(look, LOOK_MS, deadline_ns, &still, err))
        return false;
    *ready = look->decision.verdict != PG_PROMOTE_WAIT;
    if (!is_promotion(look))
        return true;
    bool quiet = promote_look_is_quiet(look);
    *ready = quiet && still;
    return quiet || promote_look_hold(look, deadline_ns, err);
}

/* Looks until there is something to do. No look is begun that would take longer than there is time: it would put
 * "no answer" in the place of what was said. */
static bool see(struct promote_look *look, int64_t deadline_ns, struct err *err)
{
    char text[1024];
    for (;;) {
        bool ready = false;
        int64_t began_ns = clock_now_ns();
        bool seen = look_once(look, &ready, deadline_ns, err);
        int64_t took_ns = clock_now_ns() - began_ns;
        if (!seen && err->kind != ERR_LATER)
            return false;
        if (seen && ready)
            return look->decision.verdict != PG_PROMOTE_REFUSE || refuse(look, err);
        bool settles = seen && is_promotion(look);
        if (seen)
            promote_look_sentence(look, text);
        if (!settles)
            log_wait("a promotion (%s)", seen ? text : err->message);
        if (!clock_pause(settles ? STILL_MS : WAIT_MS, deadline_ns - took_ns))
            return seen ? give_up_waiting(look, err) : false;
    }
}

/* The register first. *won false: somebody else changed it; what it says then decides anew. A register that is
 * slow has the time in which no standby takes more WAL, and what is not written by then is decided anew. */
static bool name_it(struct promote_look *look, bool *won, int64_t deadline_ns, struct err *err)
{
    const struct pg_observer *observer = &look->observer;
    const struct named *named = &observer->named;
    const struct pg_member *chosen = &observer->members[look->decision.chosen];
    char old[IDENTITY_NAME_MAX];
    char numbers[3][24];
    identity_pod_name(&observer->identity, named->ordinal, old);
    (void)snprintf(numbers[0], sizeof numbers[0], "%" PRIu32, named->timeline);
    (void)snprintf(numbers[1], sizeof numbers[1], "%" PRIu32, look->decision.timeline);
    (void)snprintf(numbers[2], sizeof numbers[2], "%" PRIu64, chosen->system_identifier);
    char positions[2][LSN_TEXT_MAX];
    lsn_write(named->promoted_at, positions[0]);
    lsn_write(chosen->lsn, positions[1]);
    struct register_change changes[] = {
        {"primary",           old,                                               chosen->peer->pod_name},
        {"timeline",          named->timeline == 0 ? NULL : numbers[0],          numbers[1]            },
        {"system-identifier", named->system_identifier == 0 ? NULL : numbers[2], numbers[2]            },
        {"promoted-at",       named->promoted_at == 0 ? NULL : positions[0],     positions[1]          },
    };
    return register_swap_all(observer->store, changes, 4, won, NULL,
                             promote_look_good_until(look, deadline_ns), err);
}

/* True when the race was lost to another pod, which the register names now. */
static bool lost_to_another(struct promote_look *look, struct err *err)
{
    char name[IDENTITY_NAME_MAX];
    if (look->began < 0 || !look->observer.named.known ||
        look->observer.named.ordinal == look->began || look->observer.named.ordinal == look->before)
        return false;
    identity_pod_name(&look->observer.identity, look->observer.named.ordinal, name);
    (void)err_set(err, ERR_LATER, "another promotion was first: the register names %s", name);
    return true;
}

static const char *synchronous_of(const struct pg_member *member)
{
    return member->synchronous != NULL ? member->synchronous : "";
}

/* A pod that was away when commits were made to wait does not know of it yet. */
static bool keep_synchronous(const struct promote_look *look, int64_t deadline_ns, struct err *err)
{
    const struct pg_observer *observer = &look->observer;
    size_t chosen = (size_t)look->decision.chosen;
    const char *names = "";
    if (*synchronous_of(&observer->members[chosen]) != '\0')
        return true;
    for (size_t i = 0; i < observer->count && *names == '\0'; i++)
        if (observer->members[i].answer == PG_ROWS && observer->members[i].in_recovery)
            names = synchronous_of(&observer->members[i]);
    if (*names == '\0')
        return true;
    char who[512];
    pg_observer_describe(observer, chosen, who);
    log_warn("%s learns from another standby that commits wait for standbys: %s", who, names);
    return alter_system(observer->peers.client, pg_observer_server(observer, chosen), who,
                        "synchronous_standby_names", names, deadline_ns, err);
}

/* The server; what it says itself decides whether it is done. */
static bool turn(struct promote_look *look, uint32_t timeline, int64_t deadline_ns, struct err *err)
{
    char who[512];
    int64_t left_s = clock_left_ms(deadline_ns) / 1000;
    size_t chosen = (size_t)look->decision.chosen;
    pg_observer_describe(&look->observer, chosen, who);
    log_info("%s is promoted", who);
    return promotion_run(look->observer.peers.client, pg_observer_server(&look->observer, chosen),
                         who, timeline, left_s < PROMOTE_S ? (int)left_s + 1 : PROMOTE_S,
                         deadline_ns, err);
}

/*
 * One step; *done: the chosen pod is the primary. The first one is the register's; the next look sees whether
 * anybody received more while it was written, and the second step turns the server. A failure that another look
 * may settle leaves *done false.
 */
static bool promote_once(struct promote_look *look, bool *done, int64_t deadline_ns,
                         struct err *err)
{
    bool won;
    if (look->decision.verdict == PG_PROMOTE_NOTHING) {
        *done = true;
        return true;
    }
    look->began = look->observer.members[look->decision.chosen].peer->ordinal;
    if (look->decision.verdict == PG_PROMOTE_GO) {
        look->before = look->observer.named.ordinal;
        promote_look_tell(look);
        return name_it(look, &won, deadline_ns, err);
    }
    *done = keep_synchronous(look, deadline_ns, err) &&
            turn(look, look->observer.named.timeline, deadline_ns, err);
    return *done;
}

/* Best effort, once: whoever does not answer is told by its own readiness probe, or by form. */
static void tell_the_others(const struct settings *settings, int64_t deadline_ns)
{
    struct pg_form_look look;
    struct err why = {0};
    int64_t until_ns = clock_part_ns(deadline_ns, AFTER_MS);
    char text[1024];
    bool seen = pg_form_look_open(&look, settings, false, &why);
    look.promoted = true;
    seen = seen && pg_form_see(&look, LOOK_MS, until_ns, &why);
    for (size_t i = 0; seen && i < look.plan.count; i++) {
        pg_form_step_sentence(&look, &look.plan.steps[i], text);
        log_info("%s", text);
        if (!pg_form_apply(&look, &look.plan.steps[i], until_ns, &why))
            log_warn("%s; its readiness probe and `form postgres` try again", why.message);
    }
    if (!seen)
        log_warn("%s; `form postgres` tells the standbys whom to follow", why.message);
    pg_form_look_close(&look);
}

static bool run(struct promote_look *look, int64_t deadline_ns, struct err *err)
{
    bool done = false;
    while (!done) {
        if (!see(look, deadline_ns, err)) {
            (void)lost_to_another(look, err);
            return false;
        }
        if (lost_to_another(look, err))
            return false;
        if (promote_once(look, &done, deadline_ns, err))
            continue;
        if (err->kind != ERR_LATER || !clock_pause(WAIT_MS, deadline_ns))
            return false;
        log_warn("%s", err->message);
    }
    return true;
}

bool promote_postgres(const struct settings *settings, const char *pod, int64_t deadline_ns,
                      struct err *err)
{
    struct promote_look look;
    bool done = promote_look_open(&look, settings, pod, err) && run(&look, deadline_ns, err);
    log_wait_end();
    if (done) {
        const char *name = look.observer.members[look.decision.chosen].peer->pod_name;
        (void)printf("%s is the primary\n", name);
        tell_the_others(settings, deadline_ns);
    } else {
        promote_look_release(&look, clock_deadline_ns(RELEASE_MS));
    }
    promote_look_close(&look);
    return done;
}
