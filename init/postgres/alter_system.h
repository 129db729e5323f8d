#ifndef INIT_POSTGRES_ALTER_SYSTEM_H
#define INIT_POSTGRES_ALTER_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/client.h"
#include "init/sys/err.h"

/* Sets NAME to VALUE in postgresql.auto.conf of SERVER (an SQL connection of a superuser that is open, since
 * libpq quotes for it) and reloads the configuration; on a standby too. WHO names it in errors. */
bool alter_system(struct pg_client *client, int server, const char *who, const char *name,
                  const char *value, int64_t deadline_ns, struct err *err);

#endif
