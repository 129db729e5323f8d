#include "init/postgres/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/postgres/auto_conf.h"
#include "init/postgres/beat.h"
#include "init/postgres/entrypoint.h"
#include "init/postgres/start_internal.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

/* A server that was told to stop may still hold the volume for a moment. */
#define SERVER_STOP_MS 20000
#define LOOK_MS 500
#define TOLD_MS 50
/* A look that the deadline cuts off hears nobody, and would put "no answer" in the place of what was said. */
#define WHOLE_LOOK_MS 300

int pg_start_major(const struct pg_start *start)
{
    const char *image = getenv("PG_MAJOR");
    if (start->settings->postgres.version_major != 0 || image == NULL)
        return start->settings->postgres.version_major;
    return (int)strtol(image, NULL, 10);
}

/* Another major than the volume's would refuse to start, with a longer sentence. */
static bool check_major(const struct pg_start *start, struct err *err)
{
    int told = pg_start_major(start);
    const char *source =
        start->settings->postgres.version_major != 0 ? "ORDAIN_PG_VERSION" : "the image's PG_MAJOR";
    if (told <= 0 || start->datadir.major == 0 || told == start->datadir.major)
        return true;
    return err_set(err, ERR_REFUSED,
                   "PGDATA is of PostgreSQL %d and the server of %d (%s): a major upgrade is "
                   "pg_upgrade's work, nothing is touched",
                   start->datadir.major, told, source);
}

/* Waits for a server of this volume that is about to stop; DRY tells what its next start would be. */
static bool take_volume(struct pg_start *start, struct err *err)
{
    int64_t until_ns = clock_part_ns(start->deadline_ns, SERVER_STOP_MS);
    pid_t pid = 0;
    for (;;) {
        bool held = true;
        if (start->dry)
            return true;
        if (!datadir_make_parents(&start->datadir, err))
            return false;
        if (!datadir_lock(&start->datadir, &held, err))
            return false;
        if (held && !datadir_server(&start->datadir, &pid)) {
            log_wait_end();
            return true;
        }
        log_wait("the server that holds PGDATA to stop");
        if (!clock_pause(LOOK_MS, until_ns)) {
            log_wait_end();
            return err_set(err, ERR_LATER,
                           "a server that is alive holds PGDATA '%s': nothing is changed",
                           start->datadir.path);
        }
    }
}

/* The kind of error that a wait ends in: what the other pod said is more than "not yet". */
static enum err_kind kind_of_wait(const struct pg_start *start)
{
    if (start->upstream == NULL)
        return ERR_LATER;
    switch (start->upstream->answer) {
    case PG_DENIED:
        return ERR_DENIED;
    case PG_UNTRUSTED:
        return ERR_CONFIG;
    case PG_SILENT:
    case PG_NOBODY:
    case PG_STARTING:
    case PG_FULL:
    case PG_BROKEN:
    case PG_ERROR:
    case PG_ROWS:
        break;
    }
    return ERR_LATER;
}

/* Looks until there is something to do. */
static bool decide(struct pg_start *start, struct pg_start_result *result, struct err *err)
{
    char complaint[512];
    for (;;) {
        if (!pg_start_look(start, err))
            return false;
        pg_start_complaint(start, complaint);
        if (start->dry)
            break;
        pg_start_tell(start);
        if (pg_start_must_hear(start)) {
            log_wait("%s, which has an address, to tell what its volume holds",
                     start->untold->pod_name);
            if (clock_pause(TOLD_MS, start->hear_until_ns))
                continue;
        }
        bool in_vain = pg_start_waits_in_vain(start);
        if (start->decision.action != PG_WAIT && !in_vain)
            break;
        if (in_vain && !start->final) {
            result->left_to_exec = true;
            break;
        }
        if (in_vain) /* the controller makes that pod in its own time, while this one says ready */
            start->deadline_ns = clock_deadline_ns(start->timeout_ms);
        log_wait("%s%s%s", start->decision.sentence, *complaint != '\0' ? ": " : "", complaint);
        if (!clock_pause(LOOK_MS, start->deadline_ns - WHOLE_LOOK_MS * CLOCK_MS))
            break;
    }
    log_wait_end();
    result->decision = start->decision;
    if (start->decision.action == PG_REFUSE && !result->left_to_exec)
        return err_set(err, ERR_REFUSED, "%s", start->decision.sentence);
    if (start->decision.action == PG_WAIT && !result->left_to_exec)
        return err_set(err, kind_of_wait(start), "%s%s%s", start->decision.sentence,
                       *complaint != '\0' ? ": " : "", complaint);
    return true;
}

/* Before the register learns of a birth: the templates are whole, and what the entrypoint runs at its
 * first initdb is where it looks, else nobody would make the replication role. */
static bool check_birth(struct pg_start *start, struct err *err)
{
    size_t changed;
    if (start->decision.action != PG_INITDB)
        return true;
    return pg_start_render(start, &changed, !start->final, err) &&
           (!start->final || entrypoint_check(err));
}

static bool is_work(enum pg_action action)
{
    return action != PG_START_PRIMARY && action != PG_START_STANDBY && action != PG_WAIT &&
           action != PG_REFUSE;
}

static bool decide_and_apply(struct pg_start *start, struct pg_start_result *result,
                             struct err *err)
{
    bool again = true;
    bool done = true;
    while (again && done) {
        again = false;
        done = decide(start, result, err) && check_major(start, err);
        if (result->left_to_exec) {
            log_info("left to exec: %s, which cannot exist before this pod is ready",
                     start->decision.sentence);
            return done;
        }
        if (!done || start->dry)
            break;
        log_info("%s: %s", postgres_start_action_name(start->decision.action),
                 start->decision.sentence);
        done = check_birth(start, err) && pg_start_apply(start, &again, err);
    }
    result->role = postgres_start_role(start->decision.action);
    result->work = is_work(start->decision.action);
    if (done && *result->role != '\0')
        done = pg_start_render(start, &result->changed, start->dry, err);
    result->work = result->work || result->changed > 0;
    if (start->dry)
        pg_start_report(start, result->changed, &result->report);
    return done;
}

/* What the fence wrote goes before its mark, which alone tells that it was the fence's: this start may end
 * without a decision, and the pod be promoted some day. The mark must not stay: liveness says dead. */
static bool lift_fence(const struct pg_start *start, struct err *err)
{
    return !datadir_has_mark(&start->datadir, DATADIR_FENCED) ||
           (auto_conf_clean(start->datadir.path, AUTO_CONF_ALL, err) &&
            datadir_remove_mark(&start->datadir, DATADIR_FENCED, err));
}

/* No server runs now, and no other ordain: what such a one left has no meaning any more. */
static bool clear_marks(struct pg_start *start, struct err *err)
{
    return datadir_remove_mark(&start->datadir, DATADIR_CLONING, err) &&
           datadir_remove_mark(&start->datadir, DATADIR_WAITING, err) &&
           datadir_remove_mark(&start->datadir, DATADIR_RESTART, err) &&
           (!start->final || lift_fence(start, err));
}

static bool open_all(struct pg_start *start, struct err *err)
{
    const struct settings *settings = start->settings;
    if (!identity_read(&start->identity, settings, true, true, err))
        return false;
    if (settings->replicas == 0)
        return err_set(err, ERR_CONFIG, "how many pods? Set ORDAIN_REPLICAS, a constant at birth");
    return datadir_open(&start->datadir, settings->data_dir, err) &&
           postgres_access_open(&start->access, settings, err) &&
           register_open(&start->store, settings->register_name, start->identity.statefulset,
                         start->identity.namespace_name, start->identity.cluster_id, err);
}

bool start_postgres(const struct settings *settings, bool dry, bool final, int64_t deadline_ns,
                    struct pg_start_result *result, struct err *err)
{
    struct pg_start *start = calloc(1, sizeof *start);
    *result = (struct pg_start_result){.role = "", .report = buf_new((size_t)1 << 20)};
    if (start == NULL)
        return err_set(err, ERR_IO, "out of memory");
    start->settings = settings;
    start->deadline_ns = deadline_ns;
    start->dry = dry;
    start->final = final;
    start->datadir.lock = -1;
    start->timeout_ms = clock_left_ms(deadline_ns);
    bool done = open_all(start, err) && take_volume(start, err) && (dry || clear_marks(start, err));
    struct beat *beat = done && final ? beat_start(&start->datadir, DATADIR_WAITING) : NULL;
    done = done && decide_and_apply(start, result, err);
    beat_stop(beat);
    if (done && final)
        datadir_leave_lock(&start->datadir);
    if (start->peers_open)
        pg_peers_close(&start->peers);
    register_close(start->store);
    postgres_access_close(&start->access);
    datadir_close(&start->datadir);
    free(start);
    return done;
}
