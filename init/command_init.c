#include <string.h>

#include "init/command.h"
#include "init/install.h"
#include "init/postgres/start.h"
#include "init/privileged_start.h"
#include "init/redis/start.h"
#include "init/sys/log.h"

static void tell(const char *action, const char *role, size_t changed)
{
    log_info("%s, role %s, %zu file%s written", action, role, changed, changed == 1 ? "" : "s");
}

static bool init_redis(const struct invocation *inv, struct err *err)
{
    struct start_result result;
    bool done = start_redis(inv->settings, false, false, inv->deadline_ns, &result, err);
    buf_free(&result.report);
    if (done)
        tell(redis_start_action_name(result.decision.action), result.role, result.changed);
    return done;
}

static bool init_postgres(const struct invocation *inv, struct err *err)
{
    struct pg_start_result result;
    bool done = start_postgres(inv->settings, false, false, inv->deadline_ns, &result, err);
    buf_free(&result.report);
    if (done && !result.left_to_exec)
        tell(postgres_start_action_name(result.decision.action), result.role, result.changed);
    return done;
}

/* Privileged work first; the network only after it. */
bool command_init(const struct invocation *inv, int *status, struct err *err)
{
    *status = 0;
    const char *install_dir = inv->settings->install_dir;
    if (*install_dir != '\0' && !install_self(install_dir, err))
        return false;
    if (!privileged_start(inv->settings, inv->engine, err))
        return false;
    return strcmp(inv->engine, "postgres") == 0 ? init_postgres(inv, err) : init_redis(inv, err);
}
