#ifndef INIT_POSTGRES_CONNINFO_H
#define INIT_POSTGRES_CONNINFO_H

#include <stddef.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/settings.h"
#include "init/sys/buf.h"

/* Appends the primary_conninfo with which this pod follows the pod of PRIMARY: one place, for the
 * rendered configuration and for ALTER SYSTEM alike (libpq's keywords: PostgreSQL 17 docs, 32.1.2). */
void conninfo_write(struct buf *out, const struct settings *settings,
                    const struct identity *identity, int primary);

/* The host that CONNINFO names, "" where it names none, or is a URI, which ordain does not write. */
void conninfo_host(const char *conninfo, char host[static 256]);

/*
 * Appends PRESENT with HOST in place of its host: what else a pod was configured with (passfile, TLS files) is
 * that pod's own. False, and nothing appended, unless PRESENT is of the kind that conninfo_write makes for the
 * pod POD_NAME.
 */
bool conninfo_point(struct buf *out, const char *present, const char *pod_name, const char *host);

/*
 * The host of a standby that shall take WAL from nobody while a promotion compares positions: no such name
 * resolves (RFC 2606, 2), and NOW_S, its server's wall clock in seconds, says for how long: a promotion that was
 * killed holds nobody for ever.
 */
void conninfo_hold(char host[static 64], int64_t now_s);
bool conninfo_is_held(const char *conninfo, int64_t now_s);
bool conninfo_host_is_held(const char *host, int64_t now_s);
/* Held at whatever time: for who does not know the server's clock. */
bool conninfo_host_is_nobody(const char *host);
/* The same for a line of a configuration file; the text that it lies in ends with a NUL. */
bool conninfo_line_is_held(const char *line, size_t len, int64_t now_s);

/* Appends NAME=VALUE, quoted as libpq reads it; nothing where VALUE is "". */
void conninfo_word(struct buf *out, const char *name, const char *value);

#endif
