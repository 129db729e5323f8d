#ifndef INIT_REDIS_REPAIR_H
#define INIT_REDIS_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "init/redis/client.h"
#include "init/settings.h"
#include "init/sys/err.h"

/* What a pod with exec probes alone does for itself, where no agent runs. */

/* One bounded step: looks at all peers, plans as `form` does and runs the steps of this pod's own server
 * alone. Never a birth. TEXT: what it did or why it did nothing, "" for nothing to say. A failure to
 * look is told in TEXT and is no failure of the probe. */
void repair_self(const struct settings *settings, int64_t deadline_ns, char text[static 512]);

/* Takes the copy of nodes.conf along when this pod is ready: now its data is its shard's. LINKED: it is a
 * replica whose link is up, and its mark says so. CLIENT has this pod's server as SERVER: it saves first
 * of whom it has heard. Cheap when nothing changed since. */
void repair_copy(const struct settings *settings, struct redis_client *client, int server,
                 bool linked, int64_t deadline_ns);

/* True when nodes.conf says that this node is a replica. A replica whose master has no address calls
 * itself a master in INFO (redis 7.0 replication.c: role by masterhost), and would look ready. */
bool repair_table_says_replica(const struct settings *settings);

/* True when nodes.conf was written within the last AGE_S seconds, or cannot be looked at. */
bool repair_table_is_new(const struct settings *settings, int64_t age_s);

#endif
