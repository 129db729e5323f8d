#ifndef INIT_POSTGRES_ROLE_H
#define INIT_POSTGRES_ROLE_H

#include "init/postgres/access.h"
#include "init/postgres/client.h"
#include "init/sys/err.h"

/* Roles and passwords as ACCESS has them, over an SQL connection of a superuser to a primary. The server and
 * its log see SCRAM verifiers alone. */

/* The replication role: it may log in and replicate, and has its password. ERR_CONFIG where none is told. */
bool role_make(struct pg_client *client, int server, const char *who,
               const struct postgres_access *access, int64_t deadline_ns, struct err *err);

/* The superuser's password by SCRAM where it is kept as md5 and pg_hba.conf would let nobody in by that: initdb
 * before 14 keeps it so whatever postgresql.conf says (PostgreSQL 13 docs, 20.5). */
bool role_strengthen_admin(struct pg_client *client, int server, const char *who,
                           const struct postgres_access *access, int64_t deadline_ns,
                           struct err *err);

#endif
