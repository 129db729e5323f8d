#include "roles/postgres_probe.h"

#include <stddef.h>

#include "roles/cells.h"

/* ---- liveness */

struct life_row {
    enum cell fenced, restart, cloning, waiting, half, pid_file, pid_gone;
    bool yes;
    const char *sentence;
};

/* clang-format off */
static const struct life_row life_rows[] = {
    {.fenced = YES, .yes = false,
     .sentence = "fenced: the register names another primary; the container must start anew"},
    {.restart = YES, .yes = false,
     .sentence = "this server went astray and cannot follow: the container must start anew"},
    {.cloning = YES, .yes = true, .sentence = "alive: a clone is under way"},
    {.waiting = YES, .yes = true, .sentence = "alive: exec is at work, or waits for another pod"},
    {.half = YES, .yes = true, .sentence = "alive: the first initdb is under way"},
    {.pid_file = NO, .yes = false, .sentence = "no server: there is no postmaster.pid"},
    {.pid_gone = YES, .yes = false, .sentence = "no server: the process of postmaster.pid is gone"},
    {.yes = true, .sentence = "alive"},
};

/* ---- readiness */

struct ready_row {
    unsigned reply, named;
    enum cell fenced, busy, half, writer, recovery, read_only, was_named, promised, outdated, adopting, same_system,
        streaming, from_named, timeline, lag, absent;
    bool yes, fence, repair;
    const char *sentence;
};

#define ME SET(PG_NAMED_ME)
#define OTHER SET(PG_NAMED_OTHER)
#define NOBODY SET(PG_NAMED_NOBODY)
#define SILENT SET(PG_NAMED_UNREACHABLE)
#define UNASKED SET(PG_NAMED_UNASKED)

static const struct ready_row ready_rows[] = {
    {.fenced = YES, .fence = true,
     .sentence = "fenced: the register names another primary"},
    {.busy = YES, .absent = YES, .yes = true,
     .sentence = "ready: it waits for the primary's pod, which does not exist yet (OrderedReady)"},
    {.busy = YES, .sentence = "a clone or a wait for another pod is under way"},
    {.half = YES,
     .sentence = "the first initdb is under way, or the mark of its end (PGDATA.ordain-done) was taken away"},
    {.writer = YES, .named = OTHER, .fence = true,
     .sentence = "a primary that the register does not name: it is fenced"},
    {.reply = SET(PG_REPLY_NONE), .sentence = "the server does not answer"},
    {.reply = SET(PG_REPLY_STARTING), .sentence = "the server is starting, stopping or not consistent yet"},
    {.reply = SET(PG_REPLY_DENIED),
     .sentence = "the server refuses our user at the local socket; see --admin and pg_hba.conf"},
    {.reply = SET(PG_REPLY_ERROR), .sentence = "the server answers with an error"},
    {.same_system = NO,
     .sentence = "its system identifier is not the recorded one: another cluster's data"},

    /* a server that writes */
    {.recovery = NO, .named = OTHER, .fence = true,
     .sentence = "a primary that the register does not name: it is fenced"},
    {.recovery = NO, .named = ME, .read_only = NO, .yes = true, .repair = true,
     .sentence = "ready: primary, as the register names it"},
    {.recovery = NO, .named = NOBODY, .read_only = NO, .yes = true, .repair = true,
     .sentence = "ready: primary; the register names nobody, so nobody else may become it"},
    {.recovery = NO, .named = UNASKED, .from_named = YES, .read_only = NO, .yes = true, .repair = true,
     .sentence = "ready: primary"},
    {.recovery = NO, .named = UNASKED, .from_named = NO,
     .sentence = "a primary that is not the first ordinal, and there is no register"},
    {.recovery = NO, .named = SILENT, .was_named = YES, .read_only = NO, .yes = true,
     .sentence = "ready: primary, as the register said when it last answered"},
    {.recovery = NO, .named = SILENT, .was_named = NO,
     .sentence = "a primary, and the register, which does not answer, never named it"},
    {.recovery = NO, .repair = true, .sentence = "the primary is read-only"},

    /* a server in recovery */
    {.named = ME, .outdated = YES,
     .sentence = "the register names this standby as the primary, and a timeline before its own: the register is "
                 "an older one, and another pod was the primary since; let it name that one"},
    {.named = ME, .promised = NO,
     .sentence = "the register names this standby as the primary, and its WAL ends before the position at which "
                 "it was chosen: an old volume"},
    {.named = ME, .repair = true,
     .sentence = "the register names this standby as the primary: its promotion is under way"},
    {.streaming = YES, .from_named = YES, .timeline = YES, .lag = YES, .yes = true, .repair = true,
     .sentence = "ready: standby, streaming from the primary"},
    {.streaming = YES, .from_named = YES, .timeline = YES, .lag = NO,
     .sentence = "the standby is behind the primary"},
    {.streaming = YES, .from_named = YES, .timeline = NO,
     .sentence = "the standby streams on a timeline before the recorded one"},
    {.streaming = YES, .from_named = NO, .repair = true,
     .sentence = "the standby streams from a pod that is not the named primary"},
    {.named = NOBODY, .adopting = YES, .streaming = YES, .yes = true,
     .sentence = "ready: standby, streaming; nobody is named yet (--adopt)"},
    {.absent = YES, .yes = true,
     .sentence = "ready: standby; the primary's pod does not exist yet (OrderedReady)"},
    {.repair = true, .sentence = "the standby does not stream"},
};
/* clang-format on */

struct pg_probe_decision postgres_probe_liveness(const struct pg_life *life)
{
    size_t count = sizeof life_rows / sizeof life_rows[0];
    size_t i = 0;
    while (i < count - 1) {
        const struct life_row *row = &life_rows[i];
        if (is(row->fenced, life->fenced) && is(row->restart, life->restart) &&
            is(row->cloning, life->cloning) && is(row->waiting, life->waiting) &&
            is(row->pid_file, life->pid_file) && is(row->pid_gone, life->pid_gone) &&
            is(row->half, life->half))
            break;
        i++;
    }
    return (struct pg_probe_decision){
        .yes = life_rows[i].yes, .row = (int)i, .sentence = life_rows[i].sentence};
}

static bool matches(const struct ready_row *row, const struct pg_readiness *facts)
{
    return in(row->reply, facts->reply) && in(row->named, facts->named) &&
           is(row->fenced, facts->life.fenced) &&
           is(row->busy, facts->life.cloning || facts->life.waiting) &&
           is(row->half, facts->life.half) && is(row->writer, facts->writer) &&
           is(row->promised, facts->promised) && is(row->outdated, facts->outdated) &&
           is(row->adopting, facts->adopting) && is(row->recovery, facts->in_recovery) &&
           is(row->read_only, facts->read_only) && is(row->was_named, facts->was_named) &&
           is(row->same_system, facts->same_system) && is(row->streaming, facts->streaming) &&
           is(row->from_named, facts->from_named) && is(row->timeline, facts->timeline_ok) &&
           is(row->lag, facts->lag_ok) && is(row->absent, facts->awaited_is_absent);
}

struct pg_probe_decision postgres_probe_readiness(const struct pg_readiness *facts)
{
    size_t count = sizeof ready_rows / sizeof ready_rows[0];
    size_t i = 0;
    while (i < count - 1 && !matches(&ready_rows[i], facts))
        i++;
    const struct ready_row *row = &ready_rows[i];
    return (struct pg_probe_decision){row->yes, row->fence, row->repair, (int)i, row->sentence};
}
