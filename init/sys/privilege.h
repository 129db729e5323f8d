#ifndef INIT_SYS_PRIVILEGE_H
#define INIT_SYS_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "init/sys/err.h"

/* "uid:gid" or "uid" (gid the same number), decimal, below 2^32 - 1. ERR_CONFIG else. */
bool privilege_parse_owner(const char *text, uid_t *uid, gid_t *gid, struct err *err);

/* True when this process may give files away (effective CAP_CHOWN). */
bool privilege_can_chown(void);

/*
 * Becomes the owner for good: no supplementary groups, gid, uid, every capability gone from all
 * sets, no_new_privs. Already being UID:GID it only sets no_new_privs and empties the capabilities.
 * When SETUID or SETGID are missing and the process is not the owner: ERR_DENIED with the line of
 * the securityContext that mends it. After it, nothing privileged can be done: it is called before
 * the first packet.
 */
bool privilege_become(uid_t uid, gid_t gid, struct err *err);

#endif
