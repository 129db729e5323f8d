#ifndef INIT_POSTGRES_FENCE_H
#define INIT_POSTGRES_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "init/postgres/datadir.h"
#include "init/postgres/local.h"
#include "init/sys/err.h"

/*
 * The fence: a running primary that the register no longer names. First the mark beside PGDATA, from
 * which on liveness fails and readiness says why; then, where the server's process is in this pid
 * namespace, SIGQUIT, which ends every session at once and adds no WAL (PostgreSQL 17 docs, 18.5); else
 * over SQL: transactions read-only and every other session ended, until the kubelet ends the
 * container. `exec` brings the pod back as a standby and takes the mark away.
 */
bool fence_raise(const struct datadir *datadir, struct local *local, int64_t deadline_ns,
                 struct err *err);

#endif
