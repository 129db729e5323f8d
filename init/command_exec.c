#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "init/command.h"
#include "init/privileged_start.h"
#include "init/redis/start.h"
#include "init/sys/log.h"
#include "init/sys/process.h"

/* Containers restart without their init containers: the decision is made again before each start. */
bool command_exec(const struct invocation *inv, int *status, struct err *err)
{
    struct start_result result;
    *status = 0;
    if (inv->argc == 0)
        return err_set(err, ERR_USAGE, "exec needs a command: ordain exec %s -- redis-server ...",
                       inv->engine);
    if (!privileged_start(inv->settings, inv->engine, err))
        return false;
    bool done = start_redis(inv->settings, false, true, inv->deadline_ns, &result, err);
    buf_free(&result.report);
    if (!done)
        return false;
    log_debug("becoming '%s'", inv->argv[0]);
    process_restore();
    execvp(inv->argv[0], inv->argv);
    if (errno == ENOENT)
        return err_set(err, ERR_CONFIG, "cannot start '%s': not found in this image", inv->argv[0]);
    return err_errno(err, errno, "cannot start '%s'", inv->argv[0]);
}
