#include "init/postgres/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/datadir.h"
#include "init/postgres/form_report.h"

bool pg_status_open(struct pg_status *status, const struct settings *settings, struct err *err)
{
    *status = (struct pg_status){0};
    if (!pg_form_look_open(&status->look, settings, false, err))
        return false;
    status->look.observer.bears_register = true;
    return true;
}

static void forget(struct pg_status *status)
{
    free(status->rows);
    free(status->problems);
    free(status->kept);
    status->rows = NULL;
    status->problems = NULL;
    status->kept = NULL;
    status->problem_count = 0;
}

void pg_status_close(struct pg_status *status)
{
    forget(status);
    pg_form_look_close(&status->look);
}

/* ---- rows */

/* Who writes, where the register does not say it: index, -1: nobody, or more than one. */
static int only_primary(const struct pg_observer *observer)
{
    int found = -1;
    for (size_t i = 0; i < observer->count; i++) {
        if (!observer->members[i].known || observer->members[i].in_recovery)
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

static void describe_standby(const struct pg_status *status, struct pg_status_row *row, int primary)
{
    const struct pg_observer *observer = &status->look.observer;
    const struct pg_member *member = &observer->members[row->member];
    int64_t most = observer->settings->postgres.max_lag;
    enum pg_relation relation = primary >= 0
                                    ? pg_observer_relation(observer, row->member, (size_t)primary)
                                    : PG_RELATION_UNKNOWN;
    row->good = primary >= 0 && pg_observer_streams(observer, row->member, (size_t)primary);
    if (row->good && most > 0 && row->behind_bytes > most) {
        row->good = false;
        (void)snprintf(row->state, sizeof row->state, "streaming, behind by more than --max-lag");
    } else if (row->good)
        (void)snprintf(row->state, sizeof row->state, "streaming");
    else if (relation == PG_RELATION_DIVERGED)
        (void)snprintf(row->state, sizeof row->state,
                       "DIVERGED: it has WAL that the primary lacks");
    else if (relation == PG_RELATION_FORKED)
        (void)snprintf(row->state, sizeof row->state,
                       "DIVERGED: ahead of the primary, whose volume or its own is an old one");
    else if (relation == PG_RELATION_NEWER)
        (void)snprintf(row->state, sizeof row->state, "DIVERGED: it is on a later timeline");
    else if (*member->receiver != '\0')
        (void)snprintf(row->state, sizeof row->state, "%s from %.255s", member->receiver,
                       member->sender_host);
    else if (*member->conninfo_host != '\0')
        (void)snprintf(row->state, sizeof row->state, "does not stream; it shall follow %.255s",
                       member->conninfo_host);
    else
        (void)snprintf(row->state, sizeof row->state, "does not stream, follows nobody");
}

static void measure_lag(const struct pg_status *status, struct pg_status_row *row, int primary)
{
    const struct pg_observer *observer = &status->look.observer;
    const struct pg_member *member = &observer->members[row->member];
    row->behind_bytes = -1;
    row->behind_s = -1;
    row->sync_state = "";
    if (primary < 0 || !member->known || member->answer != PG_ROWS || !member->in_recovery)
        return;
    const struct pg_sender *sender = pg_observer_sender(observer, row->member, (size_t)primary);
    uint64_t end = observer->members[primary].lsn;
    row->behind_bytes = end > member->replay ? (int64_t)(end - member->replay) : 0;
    if (sender == NULL)
        return;
    row->sync_state = sender->sync_state;
    row->behind_s = sender->lag_s;
}

static void describe(const struct pg_status *status, struct pg_status_row *row, int primary)
{
    const struct pg_observer *observer = &status->look.observer;
    const struct pg_member *member = &observer->members[row->member];
    measure_lag(status, row, primary);
    if (member->known)
        (void)snprintf(row->role, sizeof row->role, "%s",
                       member->in_recovery ? "standby" : "primary");
    if (status->look.pods[row->member].stranger)
        (void)snprintf(row->state, sizeof row->state, "ANOTHER CLUSTER'S data");
    else if (member->answer != PG_ROWS)
        pg_observer_silence(observer, row->member, row->state);
    else if (member->in_recovery && (int)row->member == status->look.facts.named)
        (void)snprintf(row->state, sizeof row->state, "named, and not promoted yet");
    else if (member->in_recovery)
        describe_standby(status, row, primary);
    else if ((int)row->member != primary) {
        (void)snprintf(row->role, sizeof row->role, "NOT NAMED");
        (void)snprintf(row->state, sizeof row->state,
                       "a primary that the register does not name: it is fenced");
    } else {
        row->good = !member->read_only;
        (void)snprintf(row->state, sizeof row->state, "%s",
                       member->read_only ? "read-only" : "read-write");
    }
}

static bool collect(struct pg_status *status)
{
    const struct pg_observer *observer = &status->look.observer;
    int primary = status->look.facts.named;
    size_t at = 0;
    if (!observer->named.known)
        primary = only_primary(observer);
    status->rows = calloc(observer->count, sizeof *status->rows);
    if (status->rows == NULL)
        return false;
    if (primary >= 0)
        status->rows[at++].member = (size_t)primary;
    for (size_t i = 0; i < observer->count; i++)
        if ((int)i != primary)
            status->rows[at++].member = i;
    for (size_t i = 0; i < observer->count; i++)
        describe(status, &status->rows[i], primary);
    return true;
}

/* ---- what is wrong */

static bool add_problem(struct pg_status *status, const char *text)
{
    for (size_t i = 0; i < status->problem_count; i++)
        if (strcmp(status->problems[i], text) == 0)
            return true;
    void *more = realloc(status->problems, (status->problem_count + 1) * sizeof *status->problems);
    if (more == NULL)
        return false;
    status->problems = more;
    (void)snprintf(status->problems[status->problem_count++], sizeof *status->problems, "%s", text);
    return true;
}

static bool add_slot_problems(struct pg_status *status, size_t i)
{
    const struct pg_member *member = &status->look.observer.members[i];
    char text[1024];
    for (size_t k = 0; k < member->slot_count; k++) {
        const struct pg_slot *slot = &member->slots[k];
        const char *what = NULL;
        if (slot->lost)
            what = "has lost its WAL: its standby clones anew";
        else if (pg_form_slot_is_left(&status->look, i, slot))
            what = "is of no pod of the set; `form postgres --drop-slots` drops it";
        else if (pg_form_slot_is_vain(&status->look, i, slot))
            what = "is held in vain; `form postgres` makes it anew";
        if (what == NULL)
            continue;
        (void)snprintf(text, sizeof text, "%s: the slot %s %s (it holds %" PRId64 " bytes of WAL)",
                       member->peer->pod_name, slot->name, what, slot->held_bytes);
        if (!add_problem(status, text))
            return false;
    }
    return true;
}

static bool find_problems(struct pg_status *status)
{
    const struct pg_form_look *look = &status->look;
    char text[1024];
    pg_form_sentence(look, text);
    bool done = look->plan.verdict == PG_FORM_DONE || add_problem(status, text);
    for (size_t i = 0; i < look->observer.count && done; i++) {
        const struct pg_status_row *row = &status->rows[i];
        status->healthy = status->healthy && row->good;
        (void)snprintf(text, sizeof text, "%s: %s",
                       look->observer.members[row->member].peer->pod_name, row->state);
        if (!row->good && (int)row->member != look->plan.about)
            done = add_problem(status, text);
    }
    for (size_t i = 0; i < look->observer.count && done; i++)
        done = add_slot_problems(status, i);
    return done;
}

/* Other pods' volumes are not to be seen from here. */
static void find_kept(struct pg_status *status)
{
    const struct pg_observer *observer = &status->look.observer;
    struct datadir datadir;
    struct err ignored;
    status->kept = NULL;
    if (observer->identity.ordinal < 0 ||
        !datadir_open(&datadir, observer->settings->data_dir, &ignored))
        return;
    if (datadir_read(&datadir, &ignored) && *datadir.kept != '\0')
        status->kept = strdup(datadir.kept);
    datadir_close(&datadir);
}

bool pg_status_see(struct pg_status *status, int64_t patience_ms, int64_t deadline_ns,
                   struct err *err)
{
    forget(status);
    if (!pg_form_see(&status->look, patience_ms, deadline_ns, err))
        return false;
    status->healthy = status->look.plan.verdict == PG_FORM_DONE;
    find_kept(status);
    return (collect(status) && find_problems(status)) || err_set(err, ERR_IO, "out of memory");
}
