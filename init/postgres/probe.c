#include "init/postgres/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "roles/postgres_probe.h"

/* A beating mark whose clock stood still for so long belongs to a process that is gone. */
#define BEAT_S 30
/* A clock may be set back a little; further, and the mark would seem to beat for as long. */
#define CLOCK_BACK_S 5

/* ---- files alone */

static bool beats(const struct datadir *datadir, const char *suffix)
{
    int64_t age_s = datadir_beat_age_s(datadir, suffix);
    return age_s >= -CLOCK_BACK_S && age_s <= BEAT_S;
}

struct pg_life probe_look_at_files(const struct datadir *datadir)
{
    struct err ignored;
    struct buf text;
    struct postmaster_pid file;
    struct pg_life life = {
        .fenced = datadir_has_mark(datadir, DATADIR_FENCED),
        .cloning = beats(datadir, DATADIR_CLONING),
        .waiting = beats(datadir, DATADIR_WAITING),
        .restart = datadir_has_mark(datadir, DATADIR_RESTART),
        .half = datadir_is_being_born(datadir),
    };
    life.pid_file = datadir_postmaster_pid(datadir, &text, &file, &ignored);
    life.pid_gone = life.pid_file && kill((pid_t)file.pid, 0) != 0 && errno == ESRCH;
    buf_free(&text);
    return life;
}

static bool liveness(const struct invocation *inv, int *status, struct err *err)
{
    struct datadir datadir;
    if (!datadir_open(&datadir, inv->settings->data_dir, err))
        return false;
    struct pg_life life = probe_look_at_files(&datadir);
    datadir_close(&datadir);
    struct pg_probe_decision decision = postgres_probe_liveness(&life);
    (void)printf("%s\n", decision.sentence);
    *status = decision.yes ? 0 : 1;
    return true;
}

bool probe_postgres(const struct invocation *inv, const char *kind, int *status, struct err *err)
{
    *status = 1;
    if (strcmp(kind, "readiness") == 0)
        return probe_postgres_readiness(inv, status, err);
    if (strcmp(kind, "startup") == 0 || strcmp(kind, "liveness") == 0)
        return liveness(inv, status, err);
    return err_set(err, ERR_USAGE, "probe takes one of startup, liveness, readiness");
}
