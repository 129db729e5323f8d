#ifndef ROLES_REDIS_START_H
#define ROLES_REDIS_START_H

#include <stdbool.h>

/*
 * What a pod's volume becomes before its Redis server starts: birth, restart, loss or refusal. One
 * table; the first row that matches answers, and each row has the sentence that `ordain plan` and the
 * log print.
 */

enum start_file {
    START_FILE_ABSENT, /* no nodes.conf, or an empty one: a server makes both a stranger */
    START_FILE_TORN,   /* cut or malformed: a server would exit on it */
    START_FILE_WHOLE,
    START_FILE_VALUES,
};

/* ordain's mark beside nodes.conf: which birth this volume belongs to. */
enum start_mark {
    START_MARK_ABSENT,
    START_MARK_SEEDING,    /* a birth was begun here and no server has started on it */
    START_MARK_BORN,       /* of this cluster and this birth spec */
    START_MARK_OTHER_POD,  /* the volume is of another pod of this cluster, mark or no mark */
    START_MARK_OTHER_SPEC, /* of this cluster, with other replicas, masters, zones or start */
    START_MARK_OTHER_CLUSTER,
    START_MARK_VALUES,
};

enum start_register {
    START_REGISTER_NONE, /* there is no register */
    START_REGISTER_UNREACHABLE,
    START_REGISTER_UNSEEDED, /* it does not know this pod's birth */
    START_REGISTER_SEEDED,
    START_REGISTER_VALUES,
};

enum start_heard {
    START_HEARD_UNKNOWN, /* nobody is there to say: no server listens at any peer's name */
    START_HEARD_NO,      /* a peer of a living cluster has never heard of this pod */
    START_HEARD_SILENT,  /* a peer may be there and cannot say: silent, loading, wrong password */
    START_HEARD_YES,     /* a peer has a row of it with pong_recv not 0 */
    START_HEARD_VALUES,
};

struct start_facts {
    bool server_lives; /* a server holds nodes.conf's lock or answers in this pod */
    enum start_mark mark;
    enum start_file file;
    bool id_is_ours;   /* nodes.conf's own id: of this pod's birth, or the mark's */
    bool mendable;     /* file and copy together hold a row of this node */
    bool has_keys;     /* a dump or an append-only file that is not empty lies on the volume */
    bool beyond_birth; /* the ordinal was not there at the birth */
    enum start_register seeded;
    enum start_heard heard;
    bool birth_is_new; /* ORDAIN_BIRTH=new */
    bool adopt;
    bool master_reborn; /* my master answers, is empty and never heard of me, who holds its data */
};

enum start_action {
    START_SEED,    /* write the whole birth table */
    START_SINGLE,  /* one row, the birth's id, no slots: form or a probe joins it */
    START_LOST,    /* one row, a new random id, no slots: it joins as replica */
    START_RESTART, /* the table as it is, with today's addresses */
    START_MEND,    /* torn: from its own rows, then from the copy */
    START_ADOPT,   /* as restart, and ordain's mark is written */
    START_WAIT,    /* nothing yet: 75 */
    START_REFUSE,  /* 65 */
    START_ACTIONS,
};

struct start_decision {
    enum start_action action;
    int row;              /* of the table, from 0 */
    const char *sentence; /* why */
};

struct start_decision redis_start_decide(const struct start_facts *facts);

/* True when the decision does not hang on what DNS, peers and register say: these are asked only where
 * it does. */
bool redis_start_is_local(const struct start_facts *facts);

/* True when what the register says may matter, whatever peers say: a start that does not need it goes on
 * while it cannot be read. */
bool redis_start_needs_register(const struct start_facts *facts);

const char *redis_start_action_name(enum start_action action);

#endif
