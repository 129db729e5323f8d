#ifndef ROLES_POSTGRES_PROMOTE_H
#define ROLES_POSTGRES_PROMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which standby becomes the primary when a person asks for it, and whether any may. What an acknowledged
 * commit has is on whoever received most; so every pod is asked, and one that does not answer must be
 * given up by name.
 */

enum pg_promote_answer {
    PG_PROMOTE_SILENT, /* nobody answers there */
    PG_PROMOTE_THERE, /* a server is there and does not tell what it has: it starts, stops, refuses us, or
                            has not read all of its own WAL */
    PG_PROMOTE_STANDBY,  /* in recovery; timeline and lsn are told */
    PG_PROMOTE_PRIMARY,  /* not in recovery; the same */
    PG_PROMOTE_STRANGER, /* it has another system identifier */
    PG_PROMOTE_ANSWERS,
};

struct pg_promote_pod {
    enum pg_promote_answer answer;
    bool given_up; /* the person says that it is dead: what it alone has may be lost */
    uint32_t timeline;
    uint64_t lsn; /* received or replayed, whichever is further */
};

/* A promotion's number is so far beyond the pod's own at most, for others that were named and that it never heard
 * of; with more the register is wrong. */
#define PG_PROMOTE_NUMBERS_MAX 64

struct pg_promote_facts {
    bool has_register;
    int named;                         /* by the register: index of PODS; -1: nobody */
    int wanted;                        /* by the person; -1: the most advanced */
    uint32_t recorded;                 /* timeline in the register; 0: none */
    const struct pg_promote_pod *pods; /* by ordinal */
    size_t count;
};

enum pg_promote_verdict {
    PG_PROMOTE_GO,      /* the register first, with the timeline, then the chosen pod */
    PG_PROMOTE_FINISH,  /* the register names the chosen pod already: a promotion was cut short */
    PG_PROMOTE_NOTHING, /* it is the primary */
    PG_PROMOTE_WAIT,    /* somebody may answer yet: 75 at the deadline */
    PG_PROMOTE_REFUSE,  /* 65 */
    PG_PROMOTE_VERDICTS,
};

struct pg_promote_decision {
    enum pg_promote_verdict verdict;
    int row;    /* of the table, from 0 */
    int chosen; /* GO, FINISH, NOTHING: index of the pod; else -1 */
    int about;  /* WAIT, REFUSE: the pod that the sentence is about; -1: none */
    uint32_t
        timeline; /* GO: the number that the new primary has for itself, beyond all that were seen */
    const char *sentence;
};

struct pg_promote_decision postgres_promote_decide(const struct pg_promote_facts *facts);

/* How far ONE is behind OTHER: below 0 on an earlier timeline or position, above 0 further, 0 equal. */
int postgres_promote_compare(const struct pg_promote_pod *one, const struct pg_promote_pod *other);

#endif
