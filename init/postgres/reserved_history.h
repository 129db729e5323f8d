#ifndef INIT_POSTGRES_RESERVED_HISTORY_H
#define INIT_POSTGRES_RESERVED_HISTORY_H

#include <stdbool.h>

#include "init/sys/err.h"

/* The reason in histories that promotion.h puts into pg_wal so that a number is taken. */
#define RESERVED_HISTORY "reserved by ordain"

/* Removes such histories from the pg_wal of PGDATA: a promotion that was cut short left them, and a
 * standby's start would look there for its newest timeline and refuse (xlogrecovery.c, "requested
 * timeline %u is not a child of this server's history", PostgreSQL 13 to 18). */
bool reserved_history_remove(const char *pgdata, struct err *err);

#endif
