#ifndef INIT_POSTGRES_ACCESS_H
#define INIT_POSTGRES_ACCESS_H

#include <stdbool.h>

#include "init/identity.h"
#include "init/postgres/client.h"
#include "init/settings.h"
#include "init/sys/buf.h"
#include "init/sys/err.h"

/* Who we are to the servers, by the settings: passwords are read at each opening, so that they may
 * rotate. */

struct postgres_access {
    const struct settings *settings;
    struct buf replication_password, admin_password; /* "" where none is told */
    char host[IDENTITY_NAME_MAX];                    /* of the target made last */
    char pod_name[IDENTITY_NAME_MAX];
};

/* Reads the password files now. ERR_CONFIG where one is missing or empty, ERR_DENIED where it may not
 * be read. Close it in any case; the passwords are wiped then. */
bool postgres_access_open(struct postgres_access *access, const struct settings *settings,
                          struct err *err);
void postgres_access_close(struct postgres_access *access);

/* A target for a physical replication connection to the pod of ORDINAL, and to no other, at ADDR. Its texts are
 * valid until the next target is made. */
struct pg_target postgres_access_replication(struct postgres_access *access,
                                             const struct identity *identity, int ordinal,
                                             const struct addr *addr);
/* The same for the superuser's SQL, in the database "postgres", which initdb always makes. */
struct pg_target postgres_access_admin(struct postgres_access *access,
                                       const struct identity *identity, int ordinal,
                                       const struct addr *addr);
/* The superuser's SQL over the local socket in SOCKET_DIR. */
struct pg_target postgres_access_local(struct postgres_access *access, const char *socket_dir,
                                       int port);

/* The sslmode in force: as set; else verify-full with a CA, else prefer (libpq's words, PostgreSQL 17
 * docs, 32.19). */
const char *postgres_sslmode(const struct postgres_settings *settings);

/* "ordain_2", the physical slot of that pod's standby. */
void postgres_slot_name(int ordinal, char name[static 32]);

#endif
