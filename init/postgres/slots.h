#ifndef INIT_POSTGRES_SLOTS_H
#define INIT_POSTGRES_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/sys/err.h"

/* Physical replication slots `ordain_<ordinal>`, one for each pod of the set on every pod: whoever becomes the
 * primary has them all. */

/* Over a replication connection to the primary: makes the slot of ORDINAL, with WAL reserved from now on,
 * where it is missing. ERR_LATER where the server does not answer or refuses. */
bool slots_ensure_own(struct pg_client *client, int server, int ordinal, int64_t deadline_ns,
                      struct err *err);

/* The same, made anew in any case: RESERVED holds WAL from now on, else nothing is held. A slot that is in
 * use is ERR_LATER: its standby streams. */
bool slots_renew(struct pg_client *client, int server, int ordinal, bool reserved,
                 int64_t deadline_ns, struct err *err);

/* Where the WAL begins that the slot of ORDINAL holds; 0: there is none, it holds nothing or cannot be asked
 * (READ_REPLICATION_SLOT, 15 and later). */
uint64_t slots_held_from(struct pg_client *client, int server, int ordinal, int64_t deadline_ns);

/* Over an SQL connection: the slots of the pods FIRST .. FIRST + COUNT - 1 but OWN, those that are lost made
 * anew, without reserved WAL: nothing is held for a standby that may never come. */
bool slots_make(struct pg_client *client, int server, const char *who, int first, int count,
                int own, int64_t deadline_ns, struct err *err);

/* Drops the slot NAME where nobody uses it; a missing one is no failure. */
bool slots_drop(struct pg_client *client, int server, const char *who, const char *name,
                int64_t deadline_ns, struct err *err);

#endif
