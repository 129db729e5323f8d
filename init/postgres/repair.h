#ifndef INIT_POSTGRES_REPAIR_H
#define INIT_POSTGRES_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/postgres/datadir.h"
#include "init/postgres/local.h"
#include "init/postgres/named.h"
#include "init/register/register.h"
#include "init/settings.h"
#include "init/sys/err.h"

/* What a readiness probe found of its own server that one step may mend, and what the step needs. */
struct repair {
    const struct settings *settings;
    const struct identity *identity;
    struct named *named;
    struct register_store *store; /* NULL where it could not be opened */
    struct postgres_access *access;
    struct local *local;
    const struct datadir *datadir;
    int64_t deadline_ns;

    bool in_recovery;
    bool streaming;       /* a standby's WAL receiver */
    bool held;            /* a promotion under way has it take WAL from nobody */
    bool follows_another; /* primary_conninfo names another host than the named primary's */
    uint64_t system_identifier;
    uint32_t timeline; /* of a primary; 0: not known */
    uint64_t position; /* of a standby's WAL: received or replayed */
    uint64_t slots;    /* of the birth's names, those that are not lost */
};

/*
 * One bounded step, the most urgent first: a promotion that was cut short, a standby that follows the
 * wrong pod, one that does not stream (its slot on the primary; where it went past the fork, or exec would clone
 * because its next WAL is gone, the mark by which the container starts anew, so that exec decides again), identifier and timeline that the register lacks, slots
 * here that are missing or lost. STEP tells what was done ("; ..."), "" for nothing.
 */
bool repair_step(const struct repair *repair, char step[static 512], struct err *err);

/* Tells the standby at SERVER (an SQL connection of a superuser), which is the pod of IDENTITY, to follow
 * the pod of PRIMARY: ALTER SYSTEM and a reload, from 13 on without a restart. Where it follows somebody in
 * ordain's words already, only the host changes; else SETTINGS give the rest. */
bool repair_follow(struct pg_client *client, int server, const char *who,
                   const struct settings *settings, const struct identity *identity, int primary,
                   int64_t deadline_ns, struct err *err);

/* Tells the standby to take WAL from nobody, until repair_follow or for some seconds (conninfo_hold): what it
 * has confirmed is then all that it ever will of its present upstream. The receiver ends a moment later. */
bool repair_hold(struct pg_client *client, int server, const char *who,
                 const struct settings *settings, const struct identity *identity,
                 int64_t deadline_ns, struct err *err);

#endif
