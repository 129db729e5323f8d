#ifndef INIT_POSTGRES_OBSERVE_SQL_H
#define INIT_POSTGRES_OBSERVE_SQL_H

#include "init/postgres/observe.h"

/* Asks every member's server over SQL and fills what is told; for observe.c alone. Servers where nothing
 * answers to replication are not asked again. */
bool pg_observe_sql(struct pg_observer *observer, int64_t deadline_ns, struct err *err);

/* Forgets what was told, and frees it. */
void pg_member_clear(struct pg_member *member);

#endif
