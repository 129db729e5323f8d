#include "init/postgres/alter_system.h"

#include <stdlib.h>

#include "init/sys/buf.h"

#define COMMAND_MAX ((size_t)1 << 20)

bool alter_system(struct pg_client *client, int server, const char *who, const char *name,
                  const char *value, int64_t deadline_ns, struct err *err)
{
    struct buf command = buf_new(COMMAND_MAX);
    char *quoted = pg_client_literal(client, server, value);
    if (quoted == NULL)
        return err_set(err, ERR_LATER, "%s: the connection is gone", who);
    buf_printf(&command, "ALTER SYSTEM SET %s = %s", name, quoted);
    free(quoted);
    struct pg_call calls[2] = {pg_call_new(server, buf_text(&command)),
                               pg_call_new(server, "SELECT pg_reload_conf()")};
    bool done = pg_client_run(client, calls, 2, who, deadline_ns, err);
    pg_calls_free(calls, 2);
    buf_free(&command);
    return done;
}
