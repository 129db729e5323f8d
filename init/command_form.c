#include <stdio.h>
#include <string.h>

#include "init/command.h"
#include "init/postgres/form.h"
#include "init/redis/form.h"

static bool form_redis_set(const struct invocation *inv, struct err *err)
{
    bool worked = false;
    if (!form_redis(inv->settings, inv->deadline_ns, &worked, err))
        return false;
    (void)printf("%s\n", worked ? "the cluster is formed: every server sees the same"
                                : "nothing to do: every server sees the same whole cluster");
    return true;
}

static bool form_postgres_set(const struct invocation *inv, struct err *err)
{
    bool worked = false;
    if (inv->settings->postgres.initdb)
        return form_postgres_initdb(inv->settings, inv->deadline_ns, err);
    if (!form_postgres(inv->settings, inv->deadline_ns, &worked, err))
        return false;
    (void)printf("%s\n", worked ? "the set is formed: every standby streams from the primary"
                                : "nothing to do: every standby streams from the primary");
    return true;
}

bool command_form(const struct invocation *inv, int *status, struct err *err)
{
    *status = 0;
    return strcmp(inv->engine, "postgres") == 0 ? form_postgres_set(inv, err)
                                                : form_redis_set(inv, err);
}
