#ifndef INIT_POSTGRES_AUTO_CONF_H
#define INIT_POSTGRES_AUTO_CONF_H

#include <stdbool.h>

#include "init/sys/err.h"

/*
 * PGDATA/postgresql.auto.conf is ALTER SYSTEM's and wins over every other file (PostgreSQL 17 docs, 19.1.2).
 * A clone brings the primary's along; form, promote and the fence write it over SQL. Before a start what
 * ordain's own configuration says is taken out of it: primary_conninfo, primary_slot_name, and where the
 * server was FENCED default_transaction_read_only. Everything else stays byte for byte.
 *
 * DIR is PGDATA or a clone's staging directory; a missing file is no failure.
 */
bool auto_conf_clean(const char *dir, bool fenced, struct err *err);

#endif
