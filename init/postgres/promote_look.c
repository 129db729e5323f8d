#include "init/postgres/promote_look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/conninfo.h"
#include "init/postgres/form_report.h"
#include "init/postgres/repair.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/* Well within what conninfo_hold promises. */
#define HELD_FOR_SURE_NS (8 * CLOCK_S)

/* ---- who is meant */

static bool find_ordinal(const struct promote_look *look, const char *name, int *ordinal,
                         struct err *err)
{
    int first = look->observer.identity.ordinal_start;
    *ordinal = identity_ordinal_of(&look->observer.identity, name);
    if (*ordinal >= first && *ordinal < first + look->observer.settings->replicas)
        return true;
    return err_set(err, ERR_USAGE, "'%.80s' is no pod of the set '%s' of %d", name,
                   look->observer.identity.statefulset, look->observer.settings->replicas);
}

static bool read_dead(struct promote_look *look, const char *list, struct err *err)
{
    while (*list != '\0') {
        char name[IDENTITY_NAME_MAX];
        size_t len = strcspn(list, ",");
        int ordinal;
        (void)snprintf(name, sizeof name, "%.*s", (int)len, list);
        if (!find_ordinal(look, name, &ordinal, err))
            return err_wrap(err, "--peer-is-dead");
        look->dead[ordinal - look->observer.identity.ordinal_start] = true;
        list += len + (list[len] == ',');
    }
    return true;
}

bool promote_look_open(struct promote_look *look, const struct settings *settings, const char *pod,
                       struct err *err)
{
    *look = (struct promote_look){.wanted = -1, .began = -1, .before = -1};
    if (!pg_observer_open(&look->observer, settings, err))
        return false;
    look->dead = calloc((size_t)settings->replicas, sizeof *look->dead);
    if (look->dead == NULL)
        return err_set(err, ERR_IO, "out of memory");
    return (pod == NULL || find_ordinal(look, pod, &look->wanted, err)) &&
           read_dead(look, settings->postgres.peer_is_dead, err);
}

void promote_look_close(struct promote_look *look)
{
    pg_observer_close(&look->observer);
    free(look->dead);
    free(look->pods);
    free(look->earlier);
}

/* ---- the look */

/* Its position counts only as a replication connection tells it (peers.h): what the control file says of a
 * standby's timeline may be older than what it has replayed. */
static enum pg_promote_answer answer_of(const struct pg_observer *observer, size_t i)
{
    const struct pg_member *member = &observer->members[i];
    uint64_t wanted = observer->named.system_identifier;
    bool silent = member->peer->answer == PG_SILENT || member->peer->answer == PG_NOBODY;
    if (member->known && wanted != 0 && member->system_identifier != wanted)
        return PG_PROMOTE_STRANGER;
    if (member->known && !member->in_recovery)
        return PG_PROMOTE_PRIMARY;
    if (member->peer->answer == PG_ROWS && member->answer == PG_ROWS)
        return member->reads_own_wal ? PG_PROMOTE_THERE : PG_PROMOTE_STANDBY;
    return silent ? PG_PROMOTE_SILENT : PG_PROMOTE_THERE;
}

static bool make_room(struct promote_look *look, struct err *err)
{
    size_t count = look->observer.count;
    if (count == look->count)
        return true;
    free(look->pods);
    free(look->earlier);
    look->pods = calloc(count, sizeof *look->pods);
    look->earlier = calloc(count, sizeof *look->earlier);
    look->count = look->pods != NULL && look->earlier != NULL ? count : 0;
    return look->count > 0 || err_set(err, ERR_IO, "out of memory for the pods");
}

static bool is_dead(const struct promote_look *look, int ordinal)
{
    int index = ordinal - look->observer.identity.ordinal_start;
    return index >= 0 && index < look->observer.settings->replicas && look->dead[index];
}

static void take_pods(struct promote_look *look, bool *still)
{
    memcpy(look->earlier, look->pods, look->count * sizeof *look->pods);
    *still = true;
    for (size_t i = 0; i < look->count; i++) {
        const struct pg_member *member = &look->observer.members[i];
        struct pg_promote_pod *pod = &look->pods[i];
        *pod = (struct pg_promote_pod){
            .answer = answer_of(&look->observer, i),
            .given_up = is_dead(look, member->peer->ordinal),
            .timeline = member->timeline,
            .lsn = member->lsn,
        };
        *still = *still && pod->answer == look->earlier[i].answer &&
                 postgres_promote_compare(pod, &look->earlier[i]) == 0;
    }
}

/* Whom the person named. Once the register names whom this call chose there is no way back to nobody: that one,
 * when it is the primary; until then whoever has most, should somebody have got more after all. */
static int wanted_of(const struct promote_look *look, int named)
{
    if (named < 0 || look->observer.named.ordinal != look->began)
        return pg_observer_find(&look->observer, look->wanted);
    return look->pods[named].answer == PG_PROMOTE_PRIMARY ? named : -1;
}

bool promote_look_see(struct promote_look *look, int64_t patience_ms, int64_t deadline_ns,
                      bool *still, struct err *err)
{
    if (!pg_observer_look(&look->observer, patience_ms, deadline_ns, err) || !make_room(look, err))
        return false;
    if (!look->observer.named.known) {
        *err = look->observer.register_err;
        return false;
    }
    take_pods(look, still);
    int named = pg_observer_named(&look->observer);
    struct pg_promote_facts facts = {
        .has_register = register_kind(look->observer.store) != REGISTER_NONE,
        .named = named,
        .wanted = wanted_of(look, named),
        .recorded = look->observer.named.timeline,
        .pods = look->pods,
        .count = look->count,
    };
    look->decision = postgres_promote_decide(&facts);
    return true;
}

/* ---- who takes WAL from nobody */

static bool each_standby(struct promote_look *look, int primary, int64_t deadline_ns,
                         struct err *err)
{
    char who[512];
    struct pg_observer *observer = &look->observer;
    for (size_t i = 0; i < look->count; i++) {
        int server = pg_observer_server(observer, i);
        if (look->pods[i].answer != PG_PROMOTE_STANDBY || server < 0 ||
            observer->members[i].peer->ordinal == primary)
            continue;
        struct identity identity = pg_observer_identity(observer, i);
        pg_observer_describe(observer, i, who);
        bool done = primary < 0
                        ? repair_hold(observer->peers.client, server, who, observer->settings,
                                      &identity, deadline_ns, err)
                        : repair_follow(observer->peers.client, server, who, observer->settings,
                                        &identity, primary, deadline_ns, err);
        if (!done)
            return false;
    }
    return true;
}

bool promote_look_hold(struct promote_look *look, int64_t deadline_ns, struct err *err)
{
    look->held_ns = clock_now_ns();
    return each_standby(look, -1, deadline_ns, err);
}

bool promote_look_is_quiet(const struct promote_look *look)
{
    if (look->held_ns == 0 || clock_now_ns() - look->held_ns > HELD_FOR_SURE_NS)
        return false;
    for (size_t i = 0; i < look->count; i++)
        if (look->pods[i].answer == PG_PROMOTE_STANDBY &&
            (look->observer.members[i].receiver[0] != '\0' ||
             !conninfo_host_is_nobody(look->observer.members[i].conninfo_host)))
            return false;
    return true;
}

int64_t promote_look_good_until(const struct promote_look *look, int64_t deadline_ns)
{
    int64_t until_ns = look->held_ns + HELD_FOR_SURE_NS;
    return until_ns < deadline_ns ? until_ns : deadline_ns;
}

void promote_look_release(struct promote_look *look, int64_t deadline_ns)
{
    struct err why;
    struct pg_observer *observer = &look->observer;
    if (look->held_ns == 0 ||
        !named_read(&observer->named, observer->store, &observer->identity, deadline_ns, &why))
        return;
    if (observer->named.ordinal < 0)
        return;
    if (!each_standby(look, observer->named.ordinal, deadline_ns, &why))
        log_warn("%s; its readiness probe tries again", why.message);
}

/* ---- words */

void promote_look_sentence(const struct promote_look *look, char text[static 1024])
{
    const struct pg_promote_decision *decision = &look->decision;
    char who[512];
    if (decision->about < 0) {
        (void)snprintf(text, 1024, "%s", decision->sentence);
        return;
    }
    size_t about = (size_t)decision->about;
    int wanted = pg_observer_find(&look->observer, look->wanted);
    pg_observer_describe(&look->observer, about, who);
    if (look->observer.members[about].answer == PG_ROWS &&
        look->observer.members[about].peer->answer != PG_ROWS)
        (void)snprintf(who, sizeof who, "%s, the replication user: %.200s",
                       look->observer.members[about].peer->pod_name,
                       look->observer.members[about].peer->message);
    if (decision->verdict == PG_PROMOTE_REFUSE && wanted >= 0 && decision->about != wanted &&
        look->pods[about].timeline == look->pods[wanted].timeline &&
        look->pods[about].lsn > look->pods[wanted].lsn)
        (void)snprintf(text, 1024, "%s: %s, by %" PRIu64 " bytes of WAL", decision->sentence, who,
                       look->pods[about].lsn - look->pods[wanted].lsn);
    else
        (void)snprintf(text, 1024, "%s: %s", decision->sentence, who);
}

/* What a pod that is given up has and the new primary has not, as far as it can be told. */
static void tell_loss(const struct promote_look *look, size_t i)
{
    const struct pg_promote_pod *pod = &look->pods[i];
    const struct pg_promote_pod *chosen = &look->pods[look->decision.chosen];
    const char *name = look->observer.members[i].peer->pod_name;
    bool standby = pod->answer == PG_PROMOTE_STANDBY;
    if (standby && pod->timeline == chosen->timeline && pod->lsn > chosen->lsn)
        (void)printf("is lost      %" PRIu64 " bytes of WAL that %s has\n", pod->lsn - chosen->lsn,
                     name);
    else if (!standby)
        (void)printf("may be lost  what %s alone has: how much, nobody can tell\n", name);
}

void promote_look_tell(const struct promote_look *look)
{
    struct buf out = buf_new((size_t)1 << 20);
    for (size_t i = 0; i < look->count; i++) {
        buf_add_text(&out, look->pods[i].given_up ? "given up     " : "asked        ");
        pg_report_member(&look->observer, i, &out);
        buf_add_text(&out, "\n");
    }
    (void)fputs(buf_text(&out), stdout);
    buf_free(&out);
    (void)printf("takes over   %s, on timeline %" PRIu32 ": %s\n",
                 look->observer.members[look->decision.chosen].peer->pod_name,
                 look->decision.timeline, look->decision.sentence);
    for (size_t i = 0; i < look->count; i++)
        if (look->pods[i].given_up)
            tell_loss(look, i);
}
