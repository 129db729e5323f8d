#ifndef ROLES_POSTGRES_FORM_H
#define ROLES_POSTGRES_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "roles/postgres_start.h"

/*
 * What a set of running pods lacks to be one primary and its standbys: the steps that mend it, and what is
 * waited for or must be decided by a person. A plan is desired minus observed: the second one is empty.
 */

enum pg_form_answer {
    PG_FORM_SILENT, /* nobody answers there */
    PG_FORM_THERE,  /* a server is there and tells nothing (yet) */
    PG_FORM_STANDBY,
    PG_FORM_PRIMARY, /* not in recovery */
    PG_FORM_ANSWERS,
};

struct pg_form_pod {
    enum pg_form_answer answer;
    bool stranger;  /* another system identifier than the recorded one, or the primary's */
    bool read_only; /* a primary that takes no writes */
    bool follows;   /* its primary_conninfo names the primary, or it streams from it all the same */
    bool held;      /* a promotion under way has it take WAL from nobody */
    bool streams;   /* from the primary, which says so, too */
    bool replayed;  /* up to the position that is verified */
    enum pg_relation relation; /* of its WAL to the primary's history */
    bool slots_wrong;          /* one of the set's is missing, lost, or held in vain */
    bool slots_left;           /* of a pod beyond the set, which nobody uses */
    bool synchronous_differs;  /* synchronous_standby_names is not what is wished */
};

struct pg_form_facts {
    bool known; /* the register has answered, or there is none */
    int named;  /* index of PODS; -1: nobody */
    bool adopt;
    bool recorded; /* the register has identifier and timeline, or there is none */
    bool
        role_wrong; /* the replication role is not there, not allowed to, or its password refused */
    bool drop_slots;
    int synchronous; /* standbys that must stream before a commit may wait for them; 0: none must */
    const struct pg_form_pod *pods; /* by ordinal */
    size_t count;
};

enum pg_form_step_kind {
    PG_FORM_ADOPT,  /* the register learns that this pod is the primary */
    PG_FORM_RECORD, /* ... and its identifier and timeline */
    PG_FORM_ROLE,   /* the replication role, on the primary */
    PG_FORM_SLOTS,
    PG_FORM_DROP_SLOTS, /* those of pods beyond the set */
    PG_FORM_FOLLOW,     /* the pod is told to follow the primary */
    PG_FORM_SYNCHRONOUS,
    PG_FORM_STEP_KINDS,
};

struct pg_form_step {
    enum pg_form_step_kind kind;
    int pod; /* index of PODS */
};

enum pg_form_verdict {
    PG_FORM_DONE,   /* nothing to do, all is verified */
    PG_FORM_WORK,   /* steps */
    PG_FORM_WAIT,   /* for a pod; there may be steps for others */
    PG_FORM_REFUSE, /* a person must decide; the same */
};

/* Steps that one plan can have for COUNT pods. */
#define PG_FORM_STEPS_MAX(count) (4 * (count) + 3)

struct pg_form_plan {
    enum pg_form_verdict verdict;
    const char *sentence;
    int about;                  /* the pod that the sentence is about; -1: none */
    struct pg_form_step *steps; /* the caller's, PG_FORM_STEPS_MAX(count) */
    size_t count;
};

/* Fills PLAN but for its array. */
void postgres_form_decide(const struct pg_form_facts *facts, struct pg_form_plan *plan);

/* "make the replication role right", for plan and log. */
const char *postgres_form_step_name(enum pg_form_step_kind kind);

#endif
