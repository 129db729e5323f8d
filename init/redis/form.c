#include "init/redis/form.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/apply.h"
#include "init/redis/form_births.h"
#include "init/redis/form_timeout.h"
#include "init/redis/meet.h"
#include "init/redis/volume.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define LOOK_MS 3000                  /* patience with silent pods while forming */
#define MEETS_LOOK_MS 500             /* the same while a handshake is under way */
#define LAST_LOOK_NS (300 * CLOCK_MS) /* a shorter look would call everybody silent */
#define PAUSE_MS 20                   /* between two looks while steps take effect */
#define WAIT_MS 250                   /* while a pod is missing */
#define MEETS_END_MS 1000             /* past the deadline: nobody is left behind in a handshake */
#define NAMES_NS CLOCK_S              /* how often all names are asked for again */

/* In a pod, its own volume tells which node it is, and whom it was in sync with. */
static void heed_mark(struct form_look *look)
{
    struct observer *observer = &look->observer;
    struct birth_mark mark;
    if (observer->identity.ordinal < 0 || !volume_peek_mark(observer->settings->data_dir, &mark) ||
        strcmp(mark.cluster_id, observer->identity.cluster_id) != 0)
        return;
    memcpy(observer->own_id, mark.id, sizeof(observer->own_id));
    if (*mark.synced == '\0')
        return;
    look->wish.synced_ordinal = observer->identity.ordinal;
    memcpy(look->wish.synced_to, mark.synced, sizeof(look->wish.synced_to));
}

bool form_open(struct form_look **look, const struct settings *settings, bool need_pod,
               struct err *err)
{
    struct form_look *made = calloc(1, sizeof(*made));
    if (made != NULL)
        made->plan.steps = calloc(FORM_STEPS_MAX, sizeof(*made->plan.steps));
    if (made == NULL || made->plan.steps == NULL) {
        free(made);
        return err_set(err, ERR_IO, "out of memory");
    }
    if (!observer_open(&made->observer, settings, need_pod, err)) {
        free(made->plan.steps);
        free(made);
        return false;
    }
    const struct birth_spec *spec = &made->observer.spec;
    made->seeded = calloc((size_t)spec->replicas, sizeof(*made->seeded));
    if (made->seeded == NULL) {
        form_close(made);
        return err_set(err, ERR_IO, "out of memory");
    }
    made->wish = (struct form_wish){
        .replicas = spec->replicas,
        .masters = spec->masters,
        .start = spec->start,
        .master_of = spec->master_of,
        .adopt = settings->adopt,
        .accept_empty_shard = settings->accept_empty_shard,
        .promote_ordinal = -1,
        .synced_ordinal = -1,
    };
    const struct identity *identity = &made->observer.identity;
    if (!need_pod && !register_open(&made->store, settings->register_name, identity->statefulset,
                                    identity->namespace_name, identity->cluster_id, err)) {
        form_close(made);
        return false;
    }
    made->wish.knows_again =
        settings->adopt || made->store == NULL || register_kind(made->store) != REGISTER_NONE;
    heed_mark(made);
    *look = made;
    if (*settings->promote_replica == '\0')
        return true;
    made->wish.promote_ordinal =
        identity_ordinal_of(&made->observer.identity, settings->promote_replica);
    if (made->wish.promote_ordinal >= 0)
        return true;
    form_close(made);
    *look = NULL;
    return err_set(err, ERR_USAGE, "--promote-replica '%s' is no pod of this StatefulSet",
                   settings->promote_replica);
}

void form_close(struct form_look *look)
{
    if (look == NULL)
        return;
    register_close(look->store);
    observer_close(&look->observer);
    free(look->seeded);
    free(look->plan.steps);
    free(look);
}

bool form_see(struct form_look *look, bool fresh_names, int64_t patience_ms, int64_t deadline_ns,
              struct err *err)
{
    if (look->store != NULL && !look->births_known && fresh_names)
        (void)form_births_know(look, deadline_ns);
    if (!observer_look(&look->observer, fresh_names, patience_ms, deadline_ns, err))
        return false;
    meet_review(&look->observer, deadline_ns);
    form_births_note(look);
    look->wish.forgets_scaled_in = look->store != NULL && look->observer.names_end;
    redis_form_decide(&look->observer.picture, &look->wish, &look->plan);
    return true;
}

/* --- sentences --- */

static const char *contact_text(enum member_contact contact)
{
    switch (contact) {
    case MEMBER_NO_NAME:
        return "its name has no address yet";
    case MEMBER_SILENT:
        return "it is silent";
    case MEMBER_NOBODY:
        return "no server listens there yet";
    case MEMBER_STRANGE:
        return "it does not answer as Redis does";
    case MEMBER_DENIED:
        return "it refuses our user or password";
    case MEMBER_BUSY:
        return "it cannot answer yet";
    case MEMBER_ANSWERED:
        break;
    }
    return "it answers";
}

void form_sentence(const struct form_look *look, char text[static 512])
{
    const struct form_plan *plan = &look->plan;
    const char *sentence = redis_form_sentence(plan->reason);
    if (plan->about < 0) {
        (void)snprintf(text, 512, "%s", sentence);
        return;
    }
    const struct cluster_member *member = &look->observer.members[plan->about];
    const char *name = observer_name(&look->observer, plan->about);
    if (member->contact == MEMBER_ANSWERED)
        (void)snprintf(text, 512, "%s: %s", sentence, name);
    else
        (void)snprintf(text, 512, "%s: %s: %s%s%s", sentence, name, contact_text(member->contact),
                       *member->problem != '\0' ? ": " : "", member->problem);
}

bool form_is_denied(const struct form_look *look, struct err *err)
{
    const struct observer *observer = &look->observer;
    size_t i = 0;
    while (i < observer->member_count && observer->members[i].contact != MEMBER_DENIED)
        i++;
    if (i == observer->member_count)
        return false;
    (void)err_set(err, ERR_DENIED, "%s: %s: %s; see --username and --password-file",
                  observer_name(observer, (int)i), contact_text(MEMBER_DENIED),
                  observer->members[i].problem);
    return true;
}

void form_report(const struct form_look *look, struct buf *out)
{
    static const char *const verdicts[] = {"converged", "work", "wait", "refuse"};
    const struct observer *observer = &look->observer;
    for (size_t i = 0; i < observer->member_count; i++) {
        const struct cluster_member *member = &observer->members[i];
        const struct redis_node *self = cluster_member_self(member);
        buf_printf(out, "pod          %s: ", observer_name(observer, (int)i));
        if (self == NULL)
            buf_printf(out, "%s%s%s\n", contact_text(member->contact),
                       *member->problem != '\0' ? ": " : "", member->problem);
        else
            buf_printf(out, "%.8s, %s, %d slots, knows %zu, %s%s\n", self->id,
                       *self->master_id == '\0' ? "master" : "replica", self->slot_count,
                       member->table.count, member->info.cluster_ok ? "ok" : "not ok",
                       observer->picture.claims[i] == CLAIM_FOREIGN ? ", NOT OURS" : "");
    }
    char text[512];
    form_sentence(look, text);
    buf_printf(out, "decision     %s\nbecause      %s\n", verdicts[look->plan.verdict], text);
    for (size_t i = 0; i < look->plan.count; i++) {
        char step[256];
        apply_sentence(observer, &look->plan.steps[i], step);
        buf_printf(out, "step         %s\n", step);
    }
}

/* --- the loop --- */

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    stopped = number;
}

/* The temporary node timeout is restored on any exit that can be caught. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static bool give_up(const struct form_look *look, bool may_wait, struct err *err)
{
    char text[512];
    form_sentence(look, text);
    const struct form_plan *plan = &look->plan;
    bool denied = plan->about >= 0 && look->observer.members[plan->about].contact == MEMBER_DENIED;
    if (denied)
        return err_set(err, ERR_DENIED, "%s; see --username and --password-file", text);
    /* What the register would say may be all that is missing. */
    bool unread = plan->verdict == FORM_REFUSE && look->store != NULL && !look->births_known;
    if (unread && *look->register_err.message != '\0') {
        *err = look->register_err;
        return false;
    }
    if (plan->verdict == FORM_REFUSE)
        return err_set(err, ERR_REFUSED, "%s", text);
    if (look->observer.dns_broken)
        return err_set(err, ERR_LATER, "DNS is broken: no name server answers");
    return err_set(err, ERR_LATER, "%s%s", may_wait ? "stopped: " : "not in time: ", text);
}

/* A name may point to where a pod was for as long as an answer is cached: a foreign server is looked at
 * again until the deadline. All else that is refused is refused at once, unless the register has NEWS
 * (another form gives birth to these servers) or cannot be read. */
static bool is_final(const struct form_look *look, bool news)
{
    return look->plan.verdict == FORM_REFUSE && look->plan.reason != FORM_IS_FOREIGN &&
           look->plan.count == 0 && look->births_known && !news;
}

static bool is_denied(const struct form_look *look)
{
    return look->plan.verdict == FORM_WAIT && look->plan.about >= 0 &&
           look->observer.members[look->plan.about].contact == MEMBER_DENIED;
}

static bool act(struct form_look *look, bool *births_recorded, struct form_timeouts *timeouts,
                int64_t deadline_ns, bool *worked, struct err *err)
{
    if (!form_births_allow(look, births_recorded, deadline_ns, err))
        return false;
    if (look->plan.count == 0)
        return true;
    size_t done = 0;
    if (redis_form_is_birth(look->plan.reason))
        form_timeouts_lower(timeouts, &look->observer, deadline_ns);
    if (!apply_plan(&look->observer, &look->plan, -1, deadline_ns, &done, err))
        return false;
    *worked = *worked || done > 0;
    return true;
}

static void tell(const struct form_look *look)
{
    char text[512];
    form_sentence(look, text);
    log_wait("the cluster (%s)", text);
}

static bool run(struct form_look *look, bool *births_recorded, struct form_timeouts *timeouts,
                int64_t deadline_ns, bool *worked, struct err *err)
{
    int64_t names_ns = 0;
    for (;;) {
        bool fresh = clock_now_ns() >= names_ns;
        if (fresh)
            names_ns = clock_now_ns() + NAMES_NS;
        int64_t patience_ms = look->observer.meet_count > 0 ? MEETS_LOOK_MS : LOOK_MS;
        if (!form_see(look, fresh, patience_ms, deadline_ns, err))
            return false;
        form_timeouts_mend(timeouts, &look->observer, deadline_ns);
        form_timeouts_relent(timeouts, &look->observer);
        if (look->plan.verdict == FORM_CONVERGED)
            return true;
        if (!act(look, births_recorded, timeouts, deadline_ns, worked, err))
            return false;
        tell(look);
        bool waits = look->plan.verdict != FORM_WORK && look->plan.reason != FORM_TAKES_EFFECT;
        bool asks =
            look->plan.verdict == FORM_REFUSE && (fresh || look->plan.reason != FORM_IS_FOREIGN);
        if (is_final(look, asks && form_births_know(look, deadline_ns)) || is_denied(look) ||
            stopped != 0 || !clock_pause(waits ? WAIT_MS : PAUSE_MS, deadline_ns - LAST_LOOK_NS))
            return give_up(look, stopped != 0, err);
    }
}

bool form_redis(const struct settings *settings, int64_t deadline_ns, bool *worked, struct err *err)
{
    struct form_look *look = NULL;
    bool births_recorded = false;
    *worked = false;
    if (!form_open(&look, settings, false, err))
        return false;
    struct form_timeouts timeouts;
    form_timeouts_start(&timeouts, settings->redis.node_timeout_ms);
    catch_signals();
    bool done = run(look, &births_recorded, &timeouts, deadline_ns, worked, err);
    log_wait_end();
    if (!done)
        meet_watch(&look->observer, clock_deadline_ns(MEETS_END_MS));
    form_timeouts_restore(&timeouts, &look->observer);
    form_close(look);
    return done;
}
