#ifndef INIT_POSTGRES_PROBE_H
#define INIT_POSTGRES_PROBE_H

#include <stdbool.h>

#include "init/command.h"
#include "init/postgres/datadir.h"
#include "roles/postgres_probe.h"

/* `probe postgres KIND`: a sentence to stdout, *status 0 or 1. Startup and liveness read files only; readiness
 * asks the server over its local socket and the register, and takes one bounded step of repair, or
 * fences. ERR_USAGE for another KIND. */
bool probe_postgres(const struct invocation *inv, const char *kind, int *status, struct err *err);

/* For probe.c and readiness.c: what the files beside and in PGDATA say of the server's life. */
struct pg_life probe_look_at_files(const struct datadir *datadir);
bool probe_postgres_readiness(const struct invocation *inv, int *status, struct err *err);

#endif
