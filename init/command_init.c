#include "init/command.h"
#include "init/install.h"
#include "init/privileged_start.h"
#include "init/redis/start.h"
#include "init/sys/log.h"

/* Privileged work first; the network only after it. */
bool command_init(const struct invocation *inv, int *status, struct err *err)
{
    struct start_result result;
    *status = 0;
    const char *install_dir = inv->settings->install_dir;
    if (*install_dir != '\0' && !install_self(install_dir, err))
        return false;
    if (!privileged_start(inv->settings, inv->engine, err))
        return false;
    bool done = start_redis(inv->settings, false, false, inv->deadline_ns, &result, err);
    buf_free(&result.report);
    if (done)
        log_info("%s, role %s, %zu file%s written", redis_start_action_name(result.decision.action),
                 result.role, result.changed, result.changed == 1 ? "" : "s");
    return done;
}
