#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "init/command.h"
#include "init/postgres/start.h"
#include "init/privileged_start.h"
#include "init/redis/start.h"
#include "init/sys/log.h"
#include "init/sys/process.h"

static bool start(const struct invocation *inv, struct err *err)
{
    bool done;
    if (strcmp(inv->engine, "postgres") == 0) {
        struct pg_start_result result;
        done = start_postgres(inv->settings, false, true, inv->deadline_ns, &result, err);
        buf_free(&result.report);
    } else {
        struct start_result result;
        done = start_redis(inv->settings, false, true, inv->deadline_ns, &result, err);
        buf_free(&result.report);
    }
    return done;
}

/* Containers restart without their init containers: the decision is made again before each start. */
bool command_exec(const struct invocation *inv, int *status, struct err *err)
{
    *status = 0;
    if (inv->argc == 0)
        return err_set(err, ERR_USAGE, "exec needs a command: ordain exec %s -- CMD ...",
                       inv->engine);
    if (!privileged_start(inv->settings, inv->engine, err))
        return false;
    if (!start(inv, err))
        return false;
    log_debug("becoming '%s'", inv->argv[0]);
    process_restore();
    execvp(inv->argv[0], inv->argv);
    if (errno == ENOENT)
        return err_set(err, ERR_CONFIG, "cannot start '%s': not found in this image", inv->argv[0]);
    return err_errno(err, errno, "cannot start '%s'", inv->argv[0]);
}
