#include "init/command.h"
#include "init/postgres/promote.h"

bool command_promote(const struct invocation *inv, int *status, struct err *err)
{
    *status = 0;
    if (inv->argc > 1)
        return err_set(err, ERR_USAGE, "promote takes one pod at most");
    return promote_postgres(inv->settings, inv->argc == 1 ? inv->argv[0] : NULL, inv->deadline_ns,
                            err);
}
