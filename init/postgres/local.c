#include "init/postgres/local.h"

#define WHO "this pod's server"

bool local_open(struct local *local, const struct datadir *datadir, struct postgres_access *access,
                struct err *err)
{
    char socket_dir[1024];
    struct buf text;
    struct postmaster_pid file;
    *local = (struct local){.server = -1};
    bool done = datadir_postmaster_pid(datadir, &text, &file, err);
    if (done &&
        (file.socket_dir.len == 0 || !text_copy(file.socket_dir, socket_dir, sizeof socket_dir)))
        done = err_set(err, ERR_LATER, WHO " has no local socket (yet)");
    if (done && pg_client_open(&local->client, err)) {
        struct pg_target target = postgres_access_local(access, socket_dir, file.port);
        local->server = pg_client_server(local->client, &target);
    }
    buf_free(&text);
    return done && (local->server >= 0 || err_set(err, ERR_IO, "out of memory"));
}

void local_close(struct local *local)
{
    pg_client_close(local->client);
    *local = (struct local){.server = -1};
}

bool local_ask(struct local *local, struct pg_call *call, const char *command,
               const char *const *params, int count, int64_t deadline_ns, struct err *err)
{
    *call = pg_call_new(local->server, command);
    for (int i = 0; i < count && i < PG_PARAMS_MAX; i++)
        call->params[i] = params[i];
    call->param_count = count;
    return pg_client_run(local->client, call, 1, WHO, deadline_ns, err);
}

bool local_run(struct local *local, const char *command, const char *const *params, int count,
               int64_t deadline_ns, struct err *err)
{
    struct pg_call call;
    bool done = local_ask(local, &call, command, params, count, deadline_ns, err);
    pg_call_free(&call);
    return done;
}
