#ifndef INIT_POSTGRES_CONNINFO_H
#define INIT_POSTGRES_CONNINFO_H

#include "init/identity.h"
#include "init/settings.h"
#include "init/sys/buf.h"

/* Appends the primary_conninfo with which this pod follows the pod of PRIMARY: one place, for the
 * rendered configuration and for ALTER SYSTEM alike (libpq's keywords: PostgreSQL 17 docs, 32.1.2). */
void conninfo_write(struct buf *out, const struct settings *settings,
                    const struct identity *identity, int primary);

/* Appends NAME=VALUE, quoted as libpq reads it; nothing where VALUE is "". */
void conninfo_word(struct buf *out, const char *name, const char *value);

#endif
