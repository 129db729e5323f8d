#ifndef INIT_POSTGRES_PROMOTE_H
#define INIT_POSTGRES_PROMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "init/settings.h"
#include "init/sys/err.h"

/*
 * Makes a standby the primary: looks at every pod, chooses (roles/postgres_promote.h), tells what is known to
 * be lost, changes the register by compare and swap, with a timeline that no promotion had before, and only
 * then the server (promotion.h); last the other standbys are told whom to follow, as far as they answer:
 * their readiness probes and `form` do the rest.
 *
 * POD: its name; NULL: the most advanced. Killed after the register's change, the same call finishes it. Two at
 * once: one wins; the other ends well where both chose the same pod, else with ERR_LATER and who has won.
 * ERR_USAGE for a name that is no pod of the set; ERR_REFUSED and ERR_LATER as the table says.
 */
bool promote_postgres(const struct settings *settings, const char *pod, int64_t deadline_ns,
                      struct err *err);

#endif
