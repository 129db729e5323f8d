#ifndef INIT_POSTGRES_STATUS_H
#define INIT_POSTGRES_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/postgres/form_look.h"

/* The set as a person and as a program want to see it, from one look. */

/* A line of the picture: a pod of the set. */
struct pg_status_row {
    size_t member; /* index of look.observer.members */
    char role[16]; /* primary, standby, "second primary"; "" : it is not known */
    int64_t
        behind_bytes; /* of a standby: what it has not replayed of the primary's WAL; -1: not known */
    double behind_s;        /* ... and for how long; below 0: not told */
    const char *sync_state; /* as the primary has it; "" : it does not stream */
    char state[512];        /* "streaming", or what is wrong */
    bool good;
};

struct pg_status {
    struct pg_form_look look;
    struct pg_status_row *rows; /* the primary first, then by ordinal */
    char (*problems)[1024];     /* a sentence each */
    size_t problem_count;
    char *kept; /* name of the diverged directory on this pod's own volume; "" : none, or no pod */
    bool healthy;
};

/* Kinds as pg_form_look_open. Close it in any case. */
bool pg_status_open(struct pg_status *status, const struct settings *settings, struct err *err);
void pg_status_close(struct pg_status *status);

/* Looks and judges. A register that does not answer is a problem, no failure; a password that is refused is
 * one (ERR_DENIED) where it leaves nothing to show. */
bool pg_status_see(struct pg_status *status, int64_t patience_ms, int64_t deadline_ns,
                   struct err *err);

/* The picture: heading, pods, slots and the WAL that they hold, what is wrong. COLOR: for a terminal. */
void pg_status_draw(const struct pg_status *status, bool color, struct buf *out);

/* The same as JSON, {"version":1,...}; positions are texts as the server writes them. */
bool pg_status_write_json(const struct pg_status *status, struct buf *out);

#endif
