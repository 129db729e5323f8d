#include "init/postgres/conninfo.h"

#include <string.h>

#include "init/postgres/access.h"
#include "init/sys/file.h"
#include "templates/quote.h"

static bool put(void *user, const char *data, size_t len)
{
    buf_add(user, data, len);
    return true;
}

void conninfo_word(struct buf *out, const char *name, const char *value)
{
    struct quote_sink sink = {put, out};
    if (*value == '\0')
        return;
    buf_printf(out, "%s%s=", out->len > 0 ? " " : "", name);
    (void)quote_value(QUOTE_CONNINFO, value, strlen(value), &sink);
}

void conninfo_write(struct buf *out, const struct settings *settings,
                    const struct identity *identity, int primary)
{
    const struct postgres_settings *postgres = &settings->postgres;
    char host[IDENTITY_NAME_MAX];
    char pass_file[4096];
    struct err ignored;
    identity_host_name(identity, primary, host);
    conninfo_word(out, "host", host);
    buf_printf(out, " port=%d", postgres->port);
    conninfo_word(out, "user", postgres->replication_user);
    if (file_join(pass_file, settings->config_dir, "pgpass", &ignored))
        conninfo_word(out, "passfile", pass_file);
    conninfo_word(out, "application_name", identity->pod_name);
    buf_add_text(out, " connect_timeout=5");
    conninfo_word(out, "sslmode", postgres_sslmode(postgres));
    conninfo_word(out, "sslrootcert", postgres->tls_ca);
    conninfo_word(out, "sslcert", postgres->tls_cert);
    conninfo_word(out, "sslkey", postgres->tls_key);
}
