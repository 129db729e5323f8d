#ifndef INIT_POSTGRES_START_INTERNAL_H
#define INIT_POSTGRES_START_INTERNAL_H

#include "init/identity.h"
#include "init/postgres/access.h"
#include "init/postgres/datadir.h"
#include "init/postgres/named.h"
#include "init/postgres/peers.h"
#include "init/postgres/start.h"
#include "init/postgres/wal_compare.h"
#include "init/register/register.h"

/* One start, shared by start*.c alone. */
struct pg_start {
    const struct settings *settings;
    struct identity identity;
    int64_t deadline_ns, timeout_ms;
    bool dry, final;

    struct datadir datadir;
    struct register_store *store;
    struct postgres_access access;
    struct pg_peers peers;
    bool peers_open;
    int peers_named; /* whom peers was opened for */

    struct named named;             /* what the register says */
    char register_silent[256];      /* why it says nothing; "": it does */
    const struct pg_peer *upstream; /* the named primary's pod; NULL: it is this one, or nobody */
    uint64_t wal_end;               /* of PGDATA, where it was needed; 0: not known */
    struct wal_compare_result compared; /* with the upstream's; WAL_UNTOLD and no tail: not asked */
    const struct pg_peer *overtaken_by; /* a standby that has what PGDATA has not; NULL: none */
    uint64_t overtaken_at;              /* where the first such record begins that was looked at */
    uint32_t timeline;                  /* on which PGDATA's WAL ends, where others were asked */
    const struct pg_peer *untold; /* a pod with an address that has not told yet; NULL: none */
    bool told;                    /* this pod has */
    int64_t hear_until_ns;        /* until when others are waited for; 0: not begun */
    struct pg_start_facts facts;
    struct pg_start_decision decision;
};

/* ---- start_facts.c */

/* One look at PGDATA, the register and, where it matters, the other pods; then the decision. */
bool pg_start_look(struct pg_start *start, struct err *err);
/* True when the decision waits for a pod that cannot exist before this one is ready, or is a refusal of
 * the named primary that only a promotion of such a pod settles (OrderedReady). */
bool pg_start_waits_in_vain(struct pg_start *start);
/* Why the other pod, or the register, gives no answer, for the end of a sentence: "pg-1: connection
 * refused"; "" : it does. */
void pg_start_complaint(const struct pg_start *start, char text[static 512]);

/* PGDATA has a whole control file, or had one before a pg_rewind. */
bool pg_start_has_data(const struct pg_start *start);

/* ---- start_wal.c: how PGDATA's own WAL stands to the named primary's, once that one has answered */

/* The timeline on which it ends. The control file of a standby that was killed may name one which it had left
 * long before: that follows a switch when it next flushes a page, and the WAL tells whom it followed. */
uint32_t pg_start_wal_timeline(const struct pg_start *start);
enum pg_relation pg_start_wal_relation(struct pg_start *start);
/* A standby's next WAL is neither on this volume any more nor with the primary. What cannot be asked is not gone. */
bool pg_start_wal_is_gone(struct pg_start *start);
/* A standby that the register names: is it what the promotion chose? The first primary was never chosen. */
bool pg_start_is_promised(const struct pg_start *start);

/* ---- start_overtaken.c */

/* After a look at all pods: this volume is a primary's to be, and a standby is proved to have more of its timeline's
 * WAL (overtaken_by, overtaken_at). Who does not answer has nothing. */
bool pg_start_is_overtaken(struct pg_start *start);

/* ---- start_told.c: where the register names nobody it may be new, and the volumes not */

/* Tells the register, once, what this pod's volume holds: a timeline, or nothing. Best effort. */
void pg_start_tell(struct pg_start *start);
/* Reads what the other pods have told: facts.born and later_told, and start->untold. */
bool pg_start_hear(struct pg_start *start, struct err *err);
/* True while a first initdb or an adoption waits for start->untold, for some seconds at most. */
bool pg_start_must_hear(struct pg_start *start);

/* ---- start.c */

/* The server's major as it is told: ORDAIN_PG_VERSION, or the image's own PG_MAJOR; 0: not told. */
int pg_start_major(const struct pg_start *start);

/* ---- start_apply.c */

/* Makes PGDATA what the decision says, up to its configuration. *again: the register changed meanwhile. */
bool pg_start_apply(struct pg_start *start, bool *again, struct err *err);
/* Renders the configuration; DRY: renders and compares. */
bool pg_start_render(struct pg_start *start, size_t *changed, bool dry, struct err *err);

/* ---- start_clone.c */

/* Clones from the named primary (or a standby) into PGDATA's place, as the decision says. */
bool pg_start_clone(struct pg_start *start, struct err *err);
/* Takes PGDATA back to the named primary's history by pg_rewind. */
bool pg_start_rewind(struct pg_start *start, struct err *err);

/* ---- start_report.c */

void pg_start_report(const struct pg_start *start, size_t changed, struct buf *out);

#endif
