#include "init/postgres/role.h"

#include <stdlib.h>
#include <string.h>

#include "init/sys/buf.h"

struct role {
    struct pg_client *client;
    int server;
    const char *who; /* the server, for errors */
    const char *user, *password;
    int64_t deadline_ns;
};

/* Whether the server has rows for QUESTION about the role ($1). */
static bool ask(const struct role *role, const char *question, bool *is, struct err *err)
{
    struct pg_call call = pg_call_new(role->server, question);
    call.params[0] = role->user;
    call.param_count = 1;
    bool done = pg_client_run(role->client, &call, 1, role->who, role->deadline_ns, err);
    *is = done && call.rows.count > 0;
    pg_call_free(&call);
    return done;
}

/* The standbys that a commit would wait for may be those that this very password keeps out. */
static bool run(const struct role *role, const char *command, struct err *err)
{
    struct pg_call calls[2] = {pg_call_new(role->server, "SET synchronous_commit = local"),
                               pg_call_new(role->server, command)};
    bool done = pg_client_run(role->client, calls, 2, role->who, role->deadline_ns, err);
    pg_calls_free(calls, 2);
    return done;
}

/* VERB ROLE user OPTIONS PASSWORD verifier. These words take no parameters: libpq quotes both. */
static bool set_password(const struct role *role, const char *verb, const char *options,
                         struct err *err)
{
    struct buf command = buf_new((size_t)64 * 1024);
    char *name = pg_client_identifier(role->client, role->server, role->user);
    char *verifier = pg_client_scram(role->client, role->server, role->user, role->password);
    char *quoted =
        verifier != NULL ? pg_client_literal(role->client, role->server, verifier) : NULL;
    if (name != NULL && quoted != NULL)
        buf_printf(&command, "%s ROLE %s %s PASSWORD %s", verb, name, options, quoted);
    bool done = command.len > 0
                    ? run(role, buf_text(&command), err)
                    : err_set(err, ERR_IO, "out of memory for the password of '%.60s'", role->user);
    if (verifier != NULL)
        explicit_bzero(verifier, strlen(verifier));
    free(name);
    free(verifier);
    free(quoted);
    buf_free(&command);
    return done;
}

bool role_make(struct pg_client *client, int server, const char *who,
               const struct postgres_access *access, int64_t deadline_ns, struct err *err)
{
    struct role role = {client,
                        server,
                        who,
                        access->settings->postgres.replication_user,
                        buf_text(&access->replication_password),
                        deadline_ns};
    bool there = false;
    if (*role.password == '\0')
        return err_set(err, ERR_CONFIG,
                       "the replication user needs a password: set ORDAIN_PG_PASSWORD_FILE (or "
                       "ORDAIN_PG_PASSWORD), from a Secret");
    return ask(&role, "SELECT 1 FROM pg_roles WHERE rolname = $1", &there, err) &&
           set_password(&role, there ? "ALTER" : "CREATE", "LOGIN REPLICATION", err);
}

bool role_strengthen_admin(struct pg_client *client, int server, const char *who,
                           const struct postgres_access *access, int64_t deadline_ns,
                           struct err *err)
{
    struct role role = {client,
                        server,
                        who,
                        access->settings->postgres.admin,
                        buf_text(&access->admin_password),
                        deadline_ns};
    bool weak = false;
    if (*role.password == '\0')
        return true;
    return ask(&role,
               "SELECT 1 FROM pg_authid WHERE rolname = $1 AND rolpassword LIKE 'md5%' AND "
               "current_setting('password_encryption') = 'scram-sha-256'",
               &weak, err) &&
           (!weak || set_password(&role, "ALTER", "", err));
}
