#include <stdio.h>
#include <string.h>

#include "init/net/addr.h"
#include "init/postgres/access.h"
#include "init/postgres/conninfo.h"
#include "init/render_scope.h"
#include "templates/quote.h"

/* What a server of a small set needs and a standby must not be below; the control file may say more. */
#define CONNECTIONS 100
#define WORKER_PROCESSES 8
#define WAL_SENDERS 10
#define LOCKS_PER_TRANSACTION 64
#define SLOTS 10

static unsigned greater(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static void know_limits(struct render_scope *scope, const struct render_postgres *facts,
                        unsigned replicas)
{
    render_scope_know_number(scope, "MAX_CONNECTIONS",
                             greater(facts->max_connections, CONNECTIONS));
    render_scope_know_number(scope, "MAX_WORKER_PROCESSES",
                             greater(facts->max_worker_processes, WORKER_PROCESSES));
    /* a standby and a clone each, and two over */
    render_scope_know_number(
        scope, "MAX_WAL_SENDERS",
        greater(facts->max_wal_senders, greater(WAL_SENDERS, 2 * replicas + 2)));
    render_scope_know_number(scope, "MAX_PREPARED_TRANSACTIONS", facts->max_prepared_xacts);
    render_scope_know_number(scope, "MAX_LOCKS_PER_TRANSACTION",
                             greater(facts->max_locks_per_xact, LOCKS_PER_TRANSACTION));
    render_scope_know_number(scope, "MAX_REPLICATION_SLOTS", greater(SLOTS, 2 * replicas));
}

static bool put(void *user, const char *data, size_t len)
{
    buf_add(user, data, len);
    return true;
}

static bool is_cidr(const char *text, size_t len)
{
    char address[ADDR_TEXT_MAX];
    struct addr addr;
    const char *slash = memchr(text, '/', len);
    size_t head = slash != NULL ? (size_t)(slash - text) : len;
    size_t tail = slash != NULL ? len - head - 1 : 0;
    if (head >= sizeof address || (slash != NULL && (tail == 0 || tail > 3)))
        return false;
    memcpy(address, text, head);
    address[head] = '\0';
    return addr_parse(&addr, address) && (slash == NULL || strspn(slash + 1, "0123456789") >= tail);
}

/* A line for each place that replication may come from: an address, a network, or one of pg_hba.conf's
 * own words for them (PostgreSQL 17 docs, 20.1). */
static bool know_replication(struct render_scope *scope, const struct postgres_settings *settings,
                             struct err *err)
{
    static const char *const words[] = {"all", "samehost", "samenet"};
    const char *sslmode = postgres_sslmode(settings);
    bool tls = strcmp(sslmode, "disable") != 0 && strcmp(sslmode, "prefer") != 0;
    struct quote_sink sink = {put, &scope->replication};
    for (const char *at = settings->replication_from; *at != '\0';) {
        size_t len = strcspn(at, ",");
        bool good = len > 0 && is_cidr(at, len);
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            good = good || (strlen(words[i]) == len && memcmp(words[i], at, len) == 0);
        if (!good) {
            return err_set(err, ERR_CONFIG,
                           "ORDAIN_PG_REPLICATION_FROM: '%.*s' is no address, network, 'all', "
                           "'samehost' or 'samenet'",
                           (int)len, at);
        }
        if (scope->replication.len > 0)
            buf_add_text(&scope->replication, "\n");
        buf_printf(&scope->replication, "%s replication  ", tls ? "hostssl" : "host   ");
        (void)quote_value(QUOTE_PGHBA, settings->replication_user,
                          strlen(settings->replication_user), &sink);
        bool bare = is_cidr(at, len) && memchr(at, '/', len) == NULL;
        buf_printf(&scope->replication, "  %.*s%s  scram-sha-256", (int)len, at,
                   !bare                          ? ""
                   : memchr(at, ':', len) != NULL ? "/128"
                                                  : "/32");
        at += len;
        at += *at == ',';
    }
    render_scope_know(scope, "REPLICATION_LINES", buf_text(&scope->replication));
    return true;
}

bool render_scope_know_postgres(struct render_scope *scope, struct err *err)
{
    const struct settings *settings = scope->facts->settings;
    const struct postgres_settings *postgres = &settings->postgres;
    static const struct render_postgres nothing = {.primary = -1, .ordain_path = ""};
    const struct render_postgres *facts =
        scope->facts->postgres != NULL ? scope->facts->postgres : &nothing;

    render_scope_know_number(scope, "PORT", postgres->port);
    render_scope_know(scope, "ORDAIN_PATH", facts->ordain_path);
    render_scope_know(scope, "REPLICATION_USER", postgres->replication_user);
    render_scope_know(scope, "SSLMODE", postgres_sslmode(postgres));
    render_scope_know(scope, "TLS", *postgres->tls_cert != '\0' ? "yes" : "no");
    render_scope_know(scope, "TLS_CA", postgres->tls_ca);
    render_scope_know(scope, "TLS_CERT", postgres->tls_cert);
    render_scope_know(scope, "TLS_KEY", postgres->tls_key);
    if (postgres->version_major > 0)
        render_scope_know_number(scope, "VERSION_MAJOR", postgres->version_major);
    know_limits(scope, facts, (unsigned)settings->replicas);
    (void)snprintf(scope->wal_keep, sizeof scope->wal_keep, "%lldMB",
                   (long long)(postgres->max_slot_wal_keep_size >> 20));
    render_scope_know(scope, "MAX_SLOT_WAL_KEEP_SIZE", scope->wal_keep);
    postgres_slot_name(scope->facts->identity->ordinal, scope->slot_name);
    render_scope_know(scope, "SLOT_NAME", scope->slot_name);
    if (facts->primary >= 0 && facts->primary != scope->facts->identity->ordinal) {
        identity_host_name(scope->facts->identity, facts->primary, scope->primary_host);
        conninfo_write(&scope->conninfo, settings, scope->facts->identity, facts->primary);
        render_scope_know(scope, "PRIMARY_HOST", scope->primary_host);
        render_scope_know(scope, "PRIMARY_CONNINFO", buf_text(&scope->conninfo));
    }
    return know_replication(scope, postgres, err) &&
           render_scope_know_password(scope, postgres->password_file, postgres->password, err);
}
