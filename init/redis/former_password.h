#ifndef INIT_REDIS_FORMER_PASSWORD_H
#define INIT_REDIS_FORMER_PASSWORD_H

#include <stdbool.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/*
 * A Secret changes in all pods at once, the servers keep the password that they were started with until
 * their pods restart one by one. So long a probe must not call every pod unready. Into FORMER, cleared
 * first: the password of the configuration that this pod's server was started with (`requirepass` of
 * redis.conf in CONFIG_DIR), if it differs from PRESENT; nothing where there is none, or where it may
 * not be read. Fails only when out of memory.
 */
bool former_password(const char *config_dir, const struct buf *present, struct buf *former,
                     struct err *err);

/* Adds to PASSWORD the first word behind `requirepass` in CONFIG, the text of a redis.conf, as Redis reads
 * it (sds.c sdssplitargs, 7.0 to 8.0); nothing when there is none. */
void former_password_parse(const char *config, struct buf *password);

#endif
