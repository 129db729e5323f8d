#ifndef INIT_POSTGRES_AUTO_CONF_H
#define INIT_POSTGRES_AUTO_CONF_H

#include <stdbool.h>

#include "init/sys/err.h"

/*
 * PGDATA/postgresql.auto.conf is ALTER SYSTEM's and wins over every other file (PostgreSQL 17 docs, 19.1.2).
 * A clone brings the primary's along; form, promote and the fence write it over SQL. Before a start what
 * ordain's own configuration says is taken out of it: cluster_name (which a clone would have of another pod),
 * primary_conninfo, primary_slot_name, and the fence's default_transaction_read_only. Everything else stays byte
 * for byte.
 *
 * DIR is PGDATA or a clone's staging directory; a missing file is no failure.
 */
enum auto_conf_what {
    AUTO_CONF_ALL,           /* whatever ordain may have written */
    AUTO_CONF_WHOM,          /* whose server it is, and whom it follows */
    AUTO_CONF_WHOM_NOT_HOLD, /* the same, unless a promotion holds this standby now (conninfo.h) */
};
bool auto_conf_clean(const char *dir, enum auto_conf_what what, struct err *err);

#endif
