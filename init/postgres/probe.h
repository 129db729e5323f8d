#ifndef INIT_POSTGRES_PROBE_H
#define INIT_POSTGRES_PROBE_H

#include <stdbool.h>

#include "init/command.h"

/* `probe postgres KIND`: a sentence to stdout, *status 0 or 1. Startup and liveness read files only; readiness
 * asks the server over its local socket and the register, and takes one bounded step of repair, or
 * fences. ERR_USAGE for another KIND. */
bool probe_postgres(const struct invocation *inv, const char *kind, int *status, struct err *err);

#endif
