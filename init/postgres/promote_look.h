#ifndef INIT_POSTGRES_PROMOTE_LOOK_H
#define INIT_POSTGRES_PROMOTE_LOOK_H

#include "init/postgres/observe.h"
#include "roles/postgres_promote.h"

/* One look of a promotion and the decision that follows from it; for promote.c alone. */
struct promote_look {
    struct pg_observer observer;
    int wanted; /* ordinal; -1: the most advanced */
    int began;  /* ordinal of the pod that this call chose last; -1: none yet */
    int before; /* ordinal that the register named before */
    bool *dead; /* one a pod of the birth, by --peer-is-dead */
    struct pg_promote_pod *pods, *earlier; /* of this look and the one before */
    size_t count;
    struct pg_promote_decision decision;
    int64_t
        held_ns; /* when the standbys were last told to take WAL from nobody; 0: they were not */
};

/* POD as promote_postgres has it. Close it in any case. */
bool promote_look_open(struct promote_look *look, const struct settings *settings, const char *pod,
                       struct err *err);
void promote_look_close(struct promote_look *look);

/* Looks and decides. *still: nobody's position is another one than at the look before. */
bool promote_look_see(struct promote_look *look, int64_t patience_ms, int64_t deadline_ns,
                      bool *still, struct err *err);

/*
 * What a standby confirms after the look may be all that a commit has: a primary that is given up may live, and
 * reach it. So before positions count, every standby that answers takes WAL from nobody (repair_hold).
 * Quiet: they were told shortly before, each names nobody, and no receiver runs.
 */
bool promote_look_hold(struct promote_look *look, int64_t deadline_ns, struct err *err);
bool promote_look_is_quiet(const struct promote_look *look);
/* Until when what was decided on a quiet look may be written to the register, and no later: a standby that was
 * told so takes WAL again by itself some time after (conninfo.h). */
int64_t promote_look_good_until(const struct promote_look *look, int64_t deadline_ns);
/* Whoever is held follows again whom the register names now. Best effort: its readiness probe does the same later. */
void promote_look_release(struct promote_look *look, int64_t deadline_ns);

/* The decision's sentence, with the pod that it is about. */
void promote_look_sentence(const struct promote_look *look, char text[static 1024]);

/* To stdout: who was asked, who takes over, what is known to be lost. */
void promote_look_tell(const struct promote_look *look);

#endif
