#ifndef ROLES_POSTGRES_START_H
#define ROLES_POSTGRES_START_H

#include <stdbool.h>

#include "roles/postgres_relation.h"

/*
 * What a pod's PGDATA becomes before its Postgres server starts. The ordinal decides who may run the
 * very first initdb; after that the register names the primary, and facts decide the rest. One table;
 * the first row that matches answers, and each row has the sentence that `ordain plan` and the log
 * print. Absence is never evidence: a primary that does not answer can only delay.
 */

enum pg_data {
    PG_DATA_EMPTY,    /* absent, or an empty directory */
    PG_DATA_HALF,     /* the mark *started* without *done*, and no server was in production on it */
    PG_DATA_UNMARKED, /* *started* without *done*, and a server was in production on it */
    PG_DATA_STANDBY,  /* standby.signal and a whole control file */
    PG_DATA_PRIMARY,  /* a whole control file without a signal */
    PG_DATA_REWINDING, /* pg_rewind was begun here and not ended */
    PG_DATA_RECOVERY,  /* recovery.signal, or recovery.conf of old: a person restores a backup */
    PG_DATA_DAMAGED,   /* PG_VERSION is there, a whole control file is not */
    PG_DATA_FOREIGN,   /* files that are no data directory */
    PG_DATA_VALUES,
};

/* Whom the register names. */
enum pg_named {
    PG_NAMED_UNREACHABLE, /* the register does not answer */
    PG_NAMED_UNASKED,     /* register none: the first ordinal is the primary for ever */
    PG_NAMED_NOBODY,
    PG_NAMED_ME,
    PG_NAMED_OTHER,
    PG_NAMED_VALUES,
};

/* The named primary's own answer. */
enum pg_upstream {
    PG_UPSTREAM_UNKNOWN, /* absent, silent, starting: proves nothing */
    PG_UPSTREAM_STANDBY, /* it answers and is in recovery: its promotion is under way */
    PG_UPSTREAM_OLD,     /* read-write on a timeline before the recorded one */
    PG_UPSTREAM_STRANGER, /* it answers with another system identifier than the recorded one or mine */
    PG_UPSTREAM_PRIMARY, /* read-write, identifier and timeline as recorded or beyond */
    PG_UPSTREAM_VALUES,
};

enum pg_identity { PG_IDENTITY_UNKNOWN, PG_IDENTITY_SAME, PG_IDENTITY_OTHER, PG_IDENTITY_VALUES };

/* What becomes of a diverged directory. */
enum pg_diverged { PG_DIVERGED_KEEP, PG_DIVERGED_DISCARD, PG_DIVERGED_REWIND, PG_DIVERGED_VALUES };

/* Whether the other pods know of a cluster: asked where nobody is named. */
enum pg_others {
    PG_OTHERS_SILENT, /* nobody answers */
    PG_OTHERS_DATA,   /* one answers, so it has data */
    PG_OTHERS_PRIMARY /* one answers read-write */,
    PG_OTHERS_VALUES,
};

struct pg_start_facts {
    enum pg_data data;
    enum pg_named named;
    bool first;         /* the first ordinal of the set */
    bool born;          /* the register knows of data: an identifier, or a pod that had some */
    bool promised;      /* my WAL reaches where the promotion that named me chose me */
    bool outdated;      /* the register: its timeline is before mine */
    bool outrun;        /* another pod answers on the recorded timeline, which mine is before */
    bool overtaken;     /* a standby has a record of my timeline that my volume has not */
    bool behind_record; /* my timeline is before the recorded one */
    enum pg_identity identity; /* my system identifier against the recorded one */
    enum pg_upstream upstream;
    enum pg_relation relation;
    bool unfinished; /* a clone that has never been consistent: half a data directory */
    bool wal_gone;   /* and, or else, the WAL that it needs next is no longer to be had */
    enum pg_others others;
    bool later_told;   /* one has told the register of data on a later timeline than mine */
    bool birth_is_new; /* ORDAIN_BIRTH=new */
    bool adopt;
    enum pg_diverged policy;
    bool kept_before; /* a diverged directory is kept already */
    bool rewindable;  /* pg_rewind is here and the data allows it */
};

enum pg_action {
    PG_INITDB,        /* the image's entrypoint runs initdb; what half of one left is moved aside */
    PG_START_PRIMARY, /* as it is; without standby.signal */
    PG_START_STANDBY, /* as it is, following the named primary where there is one */
    PG_FINISH_PROMOTION, /* as it is: the register names it, it is promoted once it runs */
    PG_BECOME_STANDBY,   /* standby.signal is written, then as above */
    PG_CLONE,            /* from the named primary into an empty PGDATA */
    PG_CLONE_KEEP,       /* the same; the diverged directory is kept under another name */
    PG_CLONE_DISCARD,    /* the same; it is removed once the clone is whole */
    PG_REWIND,           /* pg_rewind, then as standby */
    PG_ADOPT,            /* the register learns that I am the primary, then PG_START_PRIMARY */
    PG_WAIT,             /* nothing yet: 75 at the deadline */
    PG_REFUSE,           /* 65 */
    PG_ACTIONS,
};

struct pg_start_decision {
    enum pg_action action;
    int row;              /* of the table, from 0 */
    const char *sentence; /* why */
};

struct pg_start_decision postgres_start_decide(const struct pg_start_facts *facts);

/* True when nothing that the named primary or the other pods say can change the decision. */
bool postgres_start_is_local(const struct pg_start_facts *facts);

const char *postgres_start_action_name(enum pg_action action);

/* "primary" or "standby": what a pod is after the action; "" where it does not start. */
const char *postgres_start_role(enum pg_action action);

#endif
