#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/identity.h"
#include "init/postgres/form.h"
#include "init/postgres/local.h"
#include "init/postgres/named.h"
#include "init/postgres/slots.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "roles/text.h"

/* What the register may take of the image's initdb. */
#define REGISTER_MS 10000

struct newborn {
    const struct settings *settings;
    struct identity identity;
    struct datadir datadir;
    struct postgres_access access;
    struct local local;
    int64_t deadline_ns;
};

/* Whether the server has rows for QUESTION about the role USER. */
static bool role_is(struct newborn *born, const char *question, const char *user, bool *is,
                    struct err *err)
{
    struct pg_call call;
    bool done = local_ask(&born->local, &call, question, &user, 1, born->deadline_ns, err);
    *is = done && call.rows.count > 0;
    pg_call_free(&call);
    return done;
}

/* VERB ROLE user OPTIONS PASSWORD verifier. These words take no parameters: libpq quotes both. */
static bool set_password(struct newborn *born, const char *verb, const char *user,
                         const char *options, const char *password, struct err *err)
{
    struct pg_client *client = born->local.client;
    struct buf command = buf_new((size_t)64 * 1024);
    char *name = pg_client_identifier(client, born->local.server, user);
    char *verifier = pg_client_scram(client, born->local.server, user, password);
    char *quoted =
        verifier != NULL ? pg_client_literal(client, born->local.server, verifier) : NULL;
    if (name != NULL && quoted != NULL)
        buf_printf(&command, "%s ROLE %s %s PASSWORD %s", verb, name, options, quoted);
    bool done = command.len > 0
                    ? local_run(&born->local, buf_text(&command), NULL, 0, born->deadline_ns, err)
                    : err_set(err, ERR_IO, "out of memory for the password of '%.60s'", user);
    if (verifier != NULL)
        explicit_bzero(verifier, strlen(verifier));
    free(name);
    free(verifier);
    free(quoted);
    buf_free(&command);
    return done;
}

static bool make_role(struct newborn *born, struct err *err)
{
    const char *user = born->settings->postgres.replication_user;
    const char *password = buf_text(&born->access.replication_password);
    bool there = false;
    if (*password == '\0')
        return err_set(err, ERR_CONFIG,
                       "the replication user needs a password: set ORDAIN_PG_PASSWORD_FILE (or "
                       "ORDAIN_PG_PASSWORD), from a Secret");
    return role_is(born, "SELECT 1 FROM pg_roles WHERE rolname = $1", user, &there, err) &&
           set_password(born, there ? "ALTER" : "CREATE", user, "LOGIN REPLICATION", password, err);
}

/* initdb before 14 keeps the superuser's password as md5 whatever postgresql.conf says, and who asks for
 * scram-sha-256 in pg_hba.conf lets nobody in by that (PostgreSQL 13 docs, 20.5). */
static bool strengthen_admin(struct newborn *born, struct err *err)
{
    const char *user = born->settings->postgres.admin;
    const char *password = buf_text(&born->access.admin_password);
    bool weak = false;
    if (*password == '\0')
        return true;
    return role_is(born,
                   "SELECT 1 FROM pg_authid WHERE rolname = $1 AND rolpassword LIKE 'md5%' AND "
                   "current_setting('password_encryption') = 'scram-sha-256'",
                   user, &weak, err) &&
           (!weak || set_password(born, "ALTER", user, "", password, err));
}

static bool record(struct newborn *born, struct err *err)
{
    struct pg_call call;
    struct named named;
    struct register_store *store = NULL;
    struct err failure;
    uint64_t identifier = 0;
    bool won = true;
    int64_t until_ns = clock_part_ns(born->deadline_ns, REGISTER_MS);
    if (!local_ask(&born->local, &call, "SELECT system_identifier FROM pg_control_system()", NULL,
                   0, born->deadline_ns, err)) {
        pg_call_free(&call);
        return false;
    }
    const char *text = pg_call_value(&call, 0, 0);
    bool good = text_u64((struct span){text, strlen(text)}, &identifier);
    pg_call_free(&call);
    if (!good)
        return err_set(err, ERR_LATER, "the server tells no system identifier");
    if (!register_open(&store, born->settings->register_name, born->identity.statefulset,
                       born->identity.namespace_name, born->identity.cluster_id, err))
        return false;
    good = named_read(&named, store, &born->identity, until_ns, &failure);
    if (good && register_kind(store) != REGISTER_NONE && named.ordinal != born->identity.ordinal)
        good = err_set(&failure, ERR_REFUSED, "the register names another primary by now");
    good = good && named_record(&named, store, &born->identity, false, identifier, 1, &won,
                                until_ns, &failure);
    register_close(store);
    if (good)
        return true;
    if (failure.kind != ERR_LATER) {
        *err = failure;
        return false;
    }
    log_warn("%s; the readiness probe records it later", failure.message);
    return true;
}

bool form_postgres_initdb(const struct settings *settings, int64_t deadline_ns, struct err *err)
{
    struct newborn born = {.settings = settings, .deadline_ns = deadline_ns};
    char text[IDENTITY_NAME_MAX * 2 + 1];
    born.datadir.lock = -1;
    bool done = identity_read(&born.identity, settings, true, true, err) &&
                datadir_open(&born.datadir, settings->data_dir, err) &&
                postgres_access_open(&born.access, settings, err) &&
                local_open(&born.local, &born.datadir, &born.access, err) &&
                make_role(&born, err) && strengthen_admin(&born, err) &&
                slots_make(born.local.client, born.local.server, "this pod's server",
                           born.identity.ordinal_start, settings->replicas, born.identity.ordinal,
                           deadline_ns, err) &&
                record(&born, err);
    (void)snprintf(text, sizeof text, "%s\n", born.identity.cluster_id);
    done = done && datadir_write_mark(&born.datadir, DATADIR_DONE, text, err);
    local_close(&born.local);
    postgres_access_close(&born.access);
    datadir_close(&born.datadir);
    return done;
}
