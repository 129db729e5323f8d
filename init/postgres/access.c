#include "init/postgres/access.h"

#include <stdio.h>
#include <string.h>

#include "init/sys/file.h"

#define PASSWORD_MAX ((size_t)64 * 1024)

static bool read_password(struct buf *password, const char *file, const char *value,
                          const char *whose, struct err *err)
{
    if (*file == '\0') {
        buf_add_text(password, value);
        return true;
    }
    return file_read_secret(file, password, err) || err_wrap(err, "%s", whose);
}

bool postgres_access_open(struct postgres_access *access, const struct settings *settings,
                          struct err *err)
{
    const struct postgres_settings *postgres = &settings->postgres;
    *access = (struct postgres_access){.settings = settings,
                                       .replication_password = buf_new(PASSWORD_MAX),
                                       .admin_password = buf_new(PASSWORD_MAX)};
    return read_password(&access->replication_password, postgres->password_file, postgres->password,
                         "the replication user's password", err) &&
           read_password(&access->admin_password, postgres->admin_password_file,
                         postgres->admin_password, "the superuser's password", err);
}

static void wipe(struct buf *password)
{
    if (password->data != NULL)
        explicit_bzero(password->data, password->len);
    buf_free(password);
}

void postgres_access_close(struct postgres_access *access)
{
    wipe(&access->replication_password);
    wipe(&access->admin_password);
}

static struct pg_target target(struct postgres_access *access, const struct identity *identity,
                               int ordinal, const struct addr *addr)
{
    const struct postgres_settings *postgres = &access->settings->postgres;
    identity_host_name(identity, ordinal, access->host);
    identity_pod_name(identity, ordinal, access->pod_name);
    return (struct pg_target){
        .host = access->host,
        .pod_name = access->pod_name,
        .addr = *addr,
        .socket_dir = "",
        .port = postgres->port,
        .database = "postgres",
        .sslmode = postgres_sslmode(postgres),
        .ssl_ca = postgres->tls_ca,
        .ssl_cert = postgres->tls_cert,
        .ssl_key = postgres->tls_key,
        .application_name = "ordain",
    };
}

struct pg_target postgres_access_replication(struct postgres_access *access,
                                             const struct identity *identity, int ordinal,
                                             const struct addr *addr)
{
    struct pg_target made = target(access, identity, ordinal, addr);
    made.user = access->settings->postgres.replication_user;
    made.password = buf_text(&access->replication_password);
    made.replication = true;
    return made;
}

struct pg_target postgres_access_admin(struct postgres_access *access,
                                       const struct identity *identity, int ordinal,
                                       const struct addr *addr)
{
    struct pg_target made = target(access, identity, ordinal, addr);
    made.user = access->settings->postgres.admin;
    made.password = buf_text(&access->admin_password);
    return made;
}

struct pg_target postgres_access_local(struct postgres_access *access, const char *socket_dir,
                                       int port)
{
    return (struct pg_target){
        .host = "",
        .socket_dir = socket_dir,
        .port = port,
        .user = access->settings->postgres.admin,
        .password = buf_text(&access->admin_password),
        .database = "postgres",
        .sslmode = "disable",
        .ssl_ca = "",
        .ssl_cert = "",
        .ssl_key = "",
        .application_name = "ordain",
    };
}

const char *postgres_sslmode(const struct postgres_settings *settings)
{
    if (*settings->sslmode != '\0')
        return settings->sslmode;
    return *settings->tls_ca != '\0' ? "verify-full" : "prefer";
}

void postgres_slot_name(int ordinal, char name[static 32])
{
    (void)snprintf(name, 32, "ordain_%d", ordinal);
}
