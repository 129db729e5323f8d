#ifndef ROLES_POSTGRES_PROBE_H
#define ROLES_POSTGRES_PROBE_H

#include <stdbool.h>

#include "roles/postgres_start.h"

/*
 * What the probes of a Postgres pod answer, each with its sentence. Startup and liveness come from files
 * alone; lack of progress is never death.
 */

struct pg_life {
    bool fenced;   /* the fence's mark */
    bool cloning;  /* exec's clone is under way: its clock beats */
    bool waiting;  /* exec waits for another pod: its clock beats */
    bool pid_file; /* postmaster.pid is there and whole */
    bool pid_gone; /* and no process has its number */
    bool half;     /* a first initdb is under way: its server is the entrypoint's temporary one */
    bool restart;  /* the mark by which readiness asks for a new start of the container */
};

enum pg_readiness_reply {
    PG_REPLY_NONE,     /* nobody listens at the local socket, or it is silent */
    PG_REPLY_STARTING, /* 57P03: it starts, stops, or is not consistent yet */
    PG_REPLY_DENIED,
    PG_REPLY_ERROR,
    PG_REPLY_GOOD,
    PG_REPLY_VALUES,
};

struct pg_readiness {
    struct pg_life life;
    bool writer; /* the data is a primary's and its process lives, whatever the server answers */
    enum pg_readiness_reply reply;
    bool in_recovery;
    bool read_only; /* a primary whose transactions are read-only: fenced, or by hand */
    enum pg_named named;
    bool was_named;   /* the register does not answer, and last it named this pod */
    bool promised;    /* its WAL reaches where the promotion that named it chose it */
    bool outdated;    /* the register: its timeline is before this pod's own */
    bool adopting;    /* --adopt */
    bool same_system; /* identifier as recorded, or none is recorded */
    bool
        streaming; /* the WAL receiver streams, and has for a while: one that fails and is made anew
                         each time says so for moments, too */
    bool from_named;  /* from the primary that the register names (or last named) */
    bool timeline_ok; /* received timeline not before the recorded one */
    bool lag_ok;
    bool
        awaited_is_absent; /* OrderedReady: the primary's name, a higher ordinal's, does not resolve */
};

struct pg_probe_decision {
    bool yes;
    bool fence;  /* a running primary that the register does not name */
    bool repair; /* one step is worth trying */
    int row;
    const char *sentence;
};

/* Startup too. */
struct pg_probe_decision postgres_probe_liveness(const struct pg_life *life);
struct pg_probe_decision postgres_probe_readiness(const struct pg_readiness *facts);

#endif
