#include "init/postgres/fence.h"

#include <signal.h>

#include "init/sys/log.h"

static bool close_by_sql(struct local *local, int64_t deadline_ns, struct err *err)
{
    static const char end_sessions[] =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')";
    static const char *const commands[] = {"ALTER SYSTEM SET default_transaction_read_only = on",
                                           "SELECT pg_reload_conf()", end_sessions};
    bool done = true;
    struct err further;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) /* each for itself */
        done = local_run(local, commands[i], NULL, 0, deadline_ns, done ? err : &further) && done;
    return done;
}

bool fence_raise(const struct datadir *datadir, struct local *local, int64_t deadline_ns,
                 struct err *err)
{
    pid_t pid = 0;
    /* A full disk must not keep it alive: exec decides anew without the mark, too. */
    bool marked =
        datadir_write_mark(datadir, DATADIR_FENCED, "the register names another primary\n", err);
    if (datadir_server(datadir, &pid) && kill(pid, SIGQUIT) == 0) {
        log_warn("fenced: the server is ended at once (process %d)", (int)pid);
        return marked;
    }
    struct err further;
    bool closed = local->server >= 0 ? close_by_sql(local, deadline_ns, marked ? err : &further)
                                     : err_set(marked ? err : &further, ERR_LATER,
                                               "its process is not in this pid namespace");
    return marked && closed;
}
