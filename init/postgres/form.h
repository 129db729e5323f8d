#ifndef INIT_POSTGRES_FORM_H
#define INIT_POSTGRES_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "init/settings.h"
#include "init/sys/err.h"

/* `form postgres`, `plan form postgres`, and the end of the image's first initdb. */

/* Waits for the primary, makes role, slots and standbys' connections right, verifies on every pod.
 * *worked false: there was nothing to do. */
bool form_postgres(const struct settings *settings, int64_t deadline_ns, bool *worked,
                   struct err *err);

/* What form_postgres would do, to stdout; *status as `plan` has it. */
bool plan_form_postgres(const struct settings *settings, int64_t deadline_ns, int *status,
                        struct err *err);

/*
 * `form postgres --initdb`, called by the image's entrypoint as the last of its init scripts, on its
 * temporary server: the replication role (SCRAM, made here so that no log sees the password), the slots
 * of all pods, identifier and timeline for the register (which may be silent: the first readiness probe
 * records them then), last the mark *done* beside PGDATA. Run again, it changes nothing.
 */
bool form_postgres_initdb(const struct settings *settings, int64_t deadline_ns, struct err *err);

#endif
