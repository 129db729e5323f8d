#ifndef INIT_POSTGRES_FORM_LOOK_H
#define INIT_POSTGRES_FORM_LOOK_H

#include "init/postgres/observe.h"
#include "init/sys/buf.h"
#include "roles/postgres_form.h"

/* One look at the set and the plan that follows from it: what `form`, `plan form` and `status` share. */
struct pg_form_look {
    struct pg_observer observer;
    struct pg_form_facts facts;
    struct pg_form_pod *pods;
    struct pg_form_plan plan;
    size_t room;            /* of PODS and the plan's steps */
    struct buf synchronous; /* the wished synchronous_standby_names; "" : none, or as it is */
    bool promoted;          /* this call has ended a promotion: who is held is its own */
    bool verify;            /* standbys must have replayed up to ... */
    uint64_t target; /* ... what the primary had flushed when it was first seen; 0: not yet */
};

/* Kinds as pg_observer_open; ERR_CONFIG where more standbys are to be waited for than there are. */
bool pg_form_look_open(struct pg_form_look *look, const struct settings *settings, bool verify,
                       struct err *err);
void pg_form_look_close(struct pg_form_look *look);

/* Looks (pg_observer_look) and decides. */
bool pg_form_see(struct pg_form_look *look, int64_t patience_ms, int64_t deadline_ns,
                 struct err *err);

/* The plan's sentence with the pod that it is about, and what that one said. */
void pg_form_sentence(const struct pg_form_look *look, char text[static 1024]);

/* True where SLOT of member I is ordain's, of a pod beyond the birth (or the pod's own), and unused. */
bool pg_form_slot_is_left(const struct pg_form_look *look, size_t i, const struct pg_slot *slot);
/* True where SLOT of the standby I keeps WAL for a pod that streams from elsewhere, or is the primary. */
bool pg_form_slot_is_vain(const struct pg_form_look *look, size_t i, const struct pg_slot *slot);

#endif
