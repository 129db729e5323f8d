#ifndef INIT_PRIVILEGED_START_H
#define INIT_PRIVILEGED_START_H

#include <stdbool.h>
#include <sys/types.h>

#include "init/settings.h"
#include "init/sys/err.h"
#include "init/sys/perms.h"

/*
 * Whom the volume at PATH has to belong to. In this order: OWNER (--owner, "" : not told); this
 * process itself where it may not change owners, with the group of PATH where it is a member (what
 * fsGroup leaves); the owner of PATH, or of the nearest directory above that exists, unless that is
 * root; of PRESET ("", "redis", "postgres") the row of an official image whose group PATH has, else
 * its first (999:999), with PATH's group unless that is root's. ERR_CONFIG where nothing tells.
 */
bool privileged_owner(const char *owner, const char *preset, const char *path, uid_t *uid,
                      gid_t *gid, struct err *err);

/* What SETTINGS and PRESET say about the volume's files, but for the owner. */
struct perms_policy privileged_policy(const struct settings *settings, const char *preset);

/*
 * What init and exec do before anything else, the first packet included. As root (or with
 * CAP_CHOWN): mends the data directory, the configuration directory (made where it is missing) and,
 * for postgres, the directory that PGDATA is made in, then becomes their owner for good. As another
 * user: both directories must be writable, else ERR_DENIED with the YAML lines that mend it; for
 * postgres, a PGDATA that is this user's and was opened to its group is closed again. Either way
 * no_new_privs is set and no capability is left.
 */
bool privileged_start(const struct settings *settings, const char *preset, struct err *err);

#endif
