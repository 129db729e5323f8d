#ifndef INIT_POSTGRES_PROMOTE_LOOK_H
#define INIT_POSTGRES_PROMOTE_LOOK_H

#include "init/postgres/observe.h"
#include "roles/postgres_promote.h"

/* One look of a promotion and the decision that follows from it; for promote.c alone. */
struct promote_look {
    struct pg_observer observer;
    int wanted; /* ordinal; -1: the most advanced */
    int began;  /* ordinal of the pod that this call chose; -1: none yet */
    int before; /* ordinal that the register named then */
    bool *dead; /* one a pod of the birth, by --peer-is-dead */
    struct pg_promote_pod *pods, *earlier; /* of this look and the one before */
    size_t count;
    struct pg_promote_decision decision;
};

/* POD as promote_postgres has it. Close it in any case. */
bool promote_look_open(struct promote_look *look, const struct settings *settings, const char *pod,
                       struct err *err);
void promote_look_close(struct promote_look *look);

/* Looks and decides. *still: nobody's position is another one than at the look before. */
bool promote_look_see(struct promote_look *look, int64_t patience_ms, int64_t deadline_ns,
                      bool *still, struct err *err);

/* The decision's sentence, with the pod that it is about. */
void promote_look_sentence(const struct promote_look *look, char text[static 1024]);

/* To stdout: who was asked, who takes over, what is known to be lost. */
void promote_look_tell(const struct promote_look *look);

#endif
