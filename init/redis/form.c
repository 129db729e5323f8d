#include "init/redis/form.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/redis/apply.h"
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

/* "" into ID where the register has no id of a node under this key. */
static bool register_ask(const struct form_look *look, const char *kind, int ordinal,
                         char id[static REDIS_ID_LEN + 1], int64_t deadline_ns, struct err *err)
{
    char key[32];
    char value[REGISTER_VALUE_MAX];
    bool found = false;
    (void)snprintf(key, sizeof(key), "%s.%d", kind, ordinal);
    *id = '\0';
    if (!register_get(look->store, key, value, &found, deadline_ns, err))
        return false;
    if (found && strlen(value) == REDIS_ID_LEN)
        memcpy(id, value, REDIS_ID_LEN + 1);
    return true;
}

/* Which ids the pods were born with, and which they have since they lost their volumes. A server that
 * init never seeded has an id of its own choice; from its birth by form on the register tells that it is
 * ours. *NEWS: it told something new. */
static bool read_births(struct form_look *look, int64_t deadline_ns, bool *news, struct err *err)
{
    const struct birth_spec *spec = &look->observer.spec;
    *news = false;
    for (int i = 0; i < spec->replicas; i++) {
        char *known = look->observer.recorded[i];
        char present[REDIS_ID_LEN + 1] = "";
        char *seeded = look->seeded[i];
        if (!register_ask(look, "seeded", spec->start + i, seeded, deadline_ns, err) ||
            (*seeded != '\0' &&
             !register_ask(look, "node", spec->start + i, present, deadline_ns, err)))
            return false;
        const char *id = *present != '\0' ? present : seeded;
        if (*id == '\0' || strcmp(id, known) == 0)
            continue;
        memcpy(known, id, REDIS_ID_LEN + 1);
        *news = true;
    }
    look->births_known = true;
    return true;
}

/* A register that cannot be read is asked again by the next look. True when it told something new. */
static bool know_births(struct form_look *look, int64_t deadline_ns)
{
    bool news;
    if (!read_births(look, deadline_ns, &news, &look->register_err))
        log_debug("%s", look->register_err.message);
    return news;
}

/* An id recorded before that is not the server's present one means a lost volume. */
static void note_seeded(struct form_look *look)
{
    const struct observer *observer = &look->observer;
    for (int i = 0; i < look->wish.replicas; i++) {
        const struct cluster_member *member = &observer->members[i];
        if (*look->seeded[i] != '\0' && member->contact == MEMBER_ANSWERED &&
            strcmp(look->seeded[i], member->id) != 0)
            look->wish.was_seeded = true;
    }
}

bool form_see(struct form_look *look, bool fresh_names, int64_t patience_ms, int64_t deadline_ns,
              struct err *err)
{
    if (look->store != NULL && !look->births_known && fresh_names)
        (void)know_births(look, deadline_ns);
    if (!observer_look(&look->observer, fresh_names, patience_ms, deadline_ns, err))
        return false;
    meet_review(&look->observer, deadline_ns);
    note_seeded(look);
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

/* --- the register of births by form --- */

/* Servers that were never seeded by init are born here; the register learns of it first, as it does in
 * init: it must be readable, and newly read. */
struct births {
    bool recorded;
};

static bool record_birth(struct form_look *look, const struct cluster_member *member,
                         int64_t deadline_ns, struct err *err)
{
    char key[32];
    char present[REGISTER_VALUE_MAX];
    bool swapped = false;
    (void)snprintf(key, sizeof(key), "seeded.%d", member->ordinal);
    if (!register_swap(look->store, key, NULL, member->id, &swapped, present, deadline_ns, err))
        return false;
    if (swapped || strcmp(present, member->id) == 0)
        return true;
    if (look->wish.accept_empty_shard && /* a person begins anew */
        !register_swap(look->store, key, present, member->id, &swapped, present, deadline_ns, err))
        return false;
    return swapped || err_set(err, ERR_REFUSED, "%s", redis_form_sentence(FORM_WAS_SEEDED));
}

static bool record_births(struct form_look *look, struct births *births, int64_t deadline_ns,
                          struct err *err)
{
    if (births->recorded)
        return true;
    for (size_t i = 0; i < (size_t)look->wish.replicas; i++) {
        const struct cluster_member *member = &look->observer.members[i];
        if (register_kind(look->store) != REGISTER_NONE &&
            !record_birth(look, member, deadline_ns, err))
            return false;
        memcpy(look->observer.recorded[i], member->id, sizeof(member->id));
    }
    births->recorded = true;
    return true;
}

static bool may_give_birth(struct form_look *look, struct births *births, int64_t deadline_ns,
                           struct err *err)
{
    if (look->plan.reason != FORM_GIVES_BIRTH)
        return true;
    bool news;
    if (!births->recorded && !read_births(look, deadline_ns, &news, err))
        return false;
    note_seeded(look);
    redis_form_decide(&look->observer.picture, &look->wish, &look->plan);
    return look->plan.verdict != FORM_WORK || record_births(look, births, deadline_ns, err);
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

static bool act(struct form_look *look, struct births *births, struct form_timeouts *timeouts,
                int64_t deadline_ns, bool *worked, struct err *err)
{
    if (!may_give_birth(look, births, deadline_ns, err))
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

static bool run(struct form_look *look, struct births *births, struct form_timeouts *timeouts,
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
        if (!act(look, births, timeouts, deadline_ns, worked, err))
            return false;
        tell(look);
        bool waits = look->plan.verdict != FORM_WORK && look->plan.reason != FORM_TAKES_EFFECT;
        bool asks =
            look->plan.verdict == FORM_REFUSE && (fresh || look->plan.reason != FORM_IS_FOREIGN);
        if (is_final(look, asks && know_births(look, deadline_ns)) || is_denied(look) ||
            stopped != 0 || !clock_pause(waits ? WAIT_MS : PAUSE_MS, deadline_ns - LAST_LOOK_NS))
            return give_up(look, stopped != 0, err);
    }
}

bool form_redis(const struct settings *settings, int64_t deadline_ns, bool *worked, struct err *err)
{
    struct form_look *look = NULL;
    struct births births = {0};
    *worked = false;
    if (!form_open(&look, settings, false, err))
        return false;
    struct form_timeouts timeouts;
    form_timeouts_start(&timeouts, settings->redis.node_timeout_ms);
    catch_signals();
    bool done = run(look, &births, &timeouts, deadline_ns, worked, err);
    log_wait_end();
    if (!done)
        meet_watch(&look->observer, clock_deadline_ns(MEETS_END_MS));
    form_timeouts_restore(&timeouts, &look->observer);
    form_close(look);
    return done;
}
