#ifndef INIT_POSTGRES_NAMED_H
#define INIT_POSTGRES_NAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/postgres/datadir.h"
#include "init/register/register.h"
#include "init/sys/err.h"
#include "roles/postgres_start.h"

/*
 * What the register says of a Postgres set: `primary` (a pod's name), `system-identifier`, `timeline`,
 * `promoted-at` (the position of that pod's WAL when a promotion chose it). The
 * recorded timeline is never lower than any that a named primary has written on: a promotion records the
 * one that it will have before the server is told, so that no two promotions share a number.
 */
struct named {
    bool known;  /* the register answered; without one always */
    int ordinal; /* of the primary; -1: nobody. Without a register the first ordinal */
    uint64_t system_identifier; /* 0: not recorded */
    uint32_t timeline;          /* 0: not recorded */
    bool seeded;                /* this pod had data once */
    bool born;                  /* some pod had: one is seeded, or the identifier is recorded */
    uint64_t promoted_at; /* the position that the named pod had when it was chosen; 0: never */
};

/* Reads it. A primary that is no pod of this set is ERR_CONFIG; the rest as register_get_all fails. */
bool named_read(struct named *named, struct register_store *store, const struct identity *identity,
                int64_t deadline_ns, struct err *err);

/* How NAMED stands to this pod. */
enum pg_named named_of(const struct named *named, const struct register_store *store,
                       const struct identity *identity);

/*
 * True when the data, whose WAL reaches LSN, is on a later timeline than the recorded one. A promotion's number is
 * beyond all that were seen, so a pod that is to finish one is on a lower one: such a register is from before
 * another promotion. A standby's control file may lag behind what it follows; its WAL tells.
 */
bool named_is_outdated(const struct named *named, const struct datadir *datadir, uint64_t lsn);

/* Keeps the register's word beside PGDATA, for the time in which it cannot be asked; writes only what is new. */
bool named_remember(const struct named *named, const struct identity *identity,
                    struct datadir *datadir, struct err *err);
/* The ordinal that a standby follows: the register's word, else the last one that is kept; -1: nobody. */
int named_followed(const struct named *named, const struct identity *identity,
                   const struct datadir *datadir);

/* Records that this pod has data now; who finds its volume empty later knows that it was full. */
bool named_record_seeded(struct named *named, struct register_store *store,
                         const struct identity *identity, int64_t deadline_ns, struct err *err);

/* Records the first facts of the primary that this pod is: where NAMED has no primary and CLAIM is set,
 * that it is this one; then identifier and timeline as far as they are missing or (timeline) lower.
 * *won false: the register changed meanwhile. */
bool named_record(struct named *named, struct register_store *store,
                  const struct identity *identity, bool claim, uint64_t system_identifier,
                  uint32_t timeline, bool *won, int64_t deadline_ns, struct err *err);

#endif
