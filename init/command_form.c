#include <stdio.h>

#include "init/command.h"
#include "init/redis/form.h"

bool command_form(const struct invocation *inv, int *status, struct err *err)
{
    bool worked = false;
    *status = 0;
    if (!form_redis(inv->settings, inv->deadline_ns, &worked, err))
        return false;
    (void)printf("%s\n", worked ? "the cluster is formed: every server sees the same"
                                : "nothing to do: every server sees the same whole cluster");
    return true;
}
