#ifndef INIT_POSTGRES_LOCAL_H
#define INIT_POSTGRES_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/access.h"
#include "init/postgres/client.h"
#include "init/postgres/datadir.h"
#include "init/sys/err.h"

/* The server of this pod, over its local socket as the superuser: what probes and the first initdb ask. */

struct local {
    struct pg_client *client;
    int server;
};

/* Where postmaster.pid says that it listens; opens no connection yet. ERR_LATER where there is none.
 * Close it in any case. */
bool local_open(struct local *local, const struct datadir *datadir, struct postgres_access *access,
                struct err *err);
void local_close(struct local *local);

/* Runs one command with up to PG_PARAMS_MAX texts and leaves its answer in *CALL (freed by the caller);
 * true for PG_ROWS. */
bool local_ask(struct local *local, struct pg_call *call, const char *command,
               const char *const *params, int count, int64_t deadline_ns, struct err *err);

/* The same where nobody reads the rows. */
bool local_run(struct local *local, const char *command, const char *const *params, int count,
               int64_t deadline_ns, struct err *err);

#endif
