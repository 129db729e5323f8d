#include "init/postgres/form.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/postgres/form_apply.h"
#include "init/postgres/form_report.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define LOOK_MS 3000    /* patience with silent pods */
#define PAUSE_MS 50     /* while steps take effect */
#define WAIT_MS 250     /* while a pod is missing */
#define CERTAIN_MS 2000 /* what needs a person must still be so after this long */
#define ROLE_TRIES 3 /* a new password is good at once; what still refuses us is something else */

struct forming {
    struct pg_form_look look;
    const char *refused; /* the sentence that would end it ... */
    int64_t certain_ns;  /* ... if it is still true then */
    int role_made;
    bool worked;
};

/* A refusal may be a moment's: a pod that starts anew, a name that still leads elsewhere. */
static bool is_certain(struct forming *forming)
{
    const struct pg_form_plan *plan = &forming->look.plan;
    bool final = plan->verdict == PG_FORM_REFUSE;
    if (plan->verdict == PG_FORM_WAIT && plan->about >= 0) {
        enum pg_answer answer = forming->look.observer.members[plan->about].answer;
        final = answer == PG_DENIED || answer == PG_UNTRUSTED;
    }
    if (!final) {
        forming->refused = NULL;
        return false;
    }
    if (forming->refused != plan->sentence)
        forming->certain_ns = clock_deadline_ns(CERTAIN_MS);
    forming->refused = plan->sentence;
    return clock_expired(forming->certain_ns);
}

static bool tell_role(const struct forming *forming, struct err *err)
{
    const struct pg_peer *peer = forming->look.observer.members[forming->look.facts.named].peer;
    return err_set(err, ERR_DENIED,
                   "%s still refuses the replication user '%s' after its password was set: %.200s; "
                   "see pg_hba.conf and VALID UNTIL",
                   peer->pod_name, forming->look.observer.settings->postgres.replication_user,
                   peer->message);
}

/* What cannot be done now is seen by the next look; what will never be done ends it. */
static bool act(struct forming *forming, int64_t deadline_ns, struct err *err)
{
    const struct pg_form_plan *plan = &forming->look.plan;
    for (size_t i = 0; i < plan->count; i++) {
        char text[1024];
        struct err why;
        if (plan->steps[i].kind == PG_FORM_ROLE && forming->role_made++ == ROLE_TRIES)
            return tell_role(forming, err);
        pg_form_step_sentence(&forming->look, &plan->steps[i], text);
        log_info("%s", text);
        forming->worked = true;
        if (pg_form_apply(&forming->look, &plan->steps[i], deadline_ns, &why))
            continue;
        if (why.kind != ERR_LATER) {
            *err = why;
            return false;
        }
        log_warn("%s", why.message);
    }
    return true;
}

static void tell_left(const struct forming *forming)
{
    const struct pg_observer *observer = &forming->look.observer;
    for (size_t i = 0; i < observer->count; i++) {
        const struct pg_member *member = &observer->members[i];
        for (size_t k = 0; k < member->slot_count; k++)
            if (pg_form_slot_is_left(&forming->look, i, &member->slots[k]))
                log_warn("%s: the slot %s is of no pod of this set and holds %" PRId64
                         " bytes of WAL; --drop-slots drops it",
                         member->peer->pod_name, member->slots[k].name,
                         member->slots[k].held_bytes);
    }
}

/* True when there is time for another look. */
static bool again(const struct forming *forming, const char *why, int64_t deadline_ns)
{
    log_wait("the set (%s)", why);
    return clock_pause(forming->look.plan.count > 0 ? PAUSE_MS : WAIT_MS, deadline_ns);
}

static bool run(struct forming *forming, int64_t deadline_ns, struct err *err)
{
    char text[1024];
    for (;;) {
        if (!pg_form_see(&forming->look, LOOK_MS, deadline_ns, err)) {
            if (err->kind != ERR_LATER || !again(forming, err->message, deadline_ns))
                return false;
            continue;
        }
        if (forming->look.plan.verdict == PG_FORM_DONE)
            return true;
        if (!act(forming, deadline_ns, err))
            return false;
        pg_form_sentence(&forming->look, text);
        if (is_certain(forming))
            return err_set(err, pg_form_kind(&forming->look), "%s", text);
        if (!again(forming, text, deadline_ns))
            return err_set(err, pg_form_kind(&forming->look), "not in time: %s", text);
    }
}

bool form_postgres(const struct settings *settings, int64_t deadline_ns, bool *worked,
                   struct err *err)
{
    struct forming forming = {0};
    bool done =
        pg_form_look_open(&forming.look, settings, true, err) && run(&forming, deadline_ns, err);
    log_wait_end();
    if (done)
        tell_left(&forming);
    *worked = forming.worked;
    pg_form_look_close(&forming.look);
    return done;
}

bool plan_form_postgres(const struct settings *settings, int64_t deadline_ns, int *status,
                        struct err *err)
{
    struct pg_form_look look;
    struct buf out = buf_new((size_t)4 << 20);
    char text[1024];
    bool done = pg_form_look_open(&look, settings, false, err) &&
                pg_form_see(&look, LOOK_MS, deadline_ns, err);
    if (done) {
        pg_form_report(&look, &out);
        (void)fputs(buf_text(&out), stdout);
        pg_form_sentence(&look, text);
        *status = look.plan.count > 0 ? 1 : 0; /* steps, also where the rest must wait */
        if (look.plan.verdict == PG_FORM_REFUSE ||
            (look.plan.verdict == PG_FORM_WAIT && look.plan.count == 0))
            done = err_set(err, pg_form_kind(&look), "%s", text);
    }
    buf_free(&out);
    pg_form_look_close(&look);
    return done;
}
