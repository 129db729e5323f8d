#include "init/postgres/conninfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "init/postgres/access.h"
#include "init/sys/file.h"
#include "roles/text.h"
#include "templates/quote.h"

#define HELD_PREFIX "held-since-"
#define HELD_SUFFIX ".invalid." /* the dot at the end: no search domain is tried */
#define HELD_S 20

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
    /* A WAL receiver connects without connect_timeout's help (libpqwalreceiver.c polls by itself, PostgreSQL 13
     * to 18): to an address that is gone it would send SYNs for two minutes. */
    buf_add_text(out, " connect_timeout=5 tcp_user_timeout=5000");
    /* A name that still leads to another pod would make this one a standby of a standby, for good. "primary" would
     * ask a walsender of 13 in SQL (libpq 17, PQconnectPoll). */
    buf_add_text(out, " target_session_attrs=read-write");
    conninfo_word(out, "sslmode", postgres_sslmode(postgres));
    conninfo_word(out, "sslrootcert", postgres->tls_ca);
    conninfo_word(out, "sslcert", postgres->tls_cert);
    conninfo_word(out, "sslkey", postgres->tls_key);
}

/* ---- reading one */

#define BLANKS " \t\n\r\f\v"

/* NAME = VALUE, the value perhaps in quotes (PostgreSQL 17 docs, 32.1.1.1). */
struct word {
    const char *name;
    size_t name_len;
    char value[1024]; /* unquoted */
};

/* False at the end, or at what is no word. */
static bool next_word(const char **rest, struct word *word)
{
    const char *at = *rest + strspn(*rest, BLANKS);
    size_t len = 0;
    word->name = at;
    size_t name_len = strcspn(at, "=" BLANKS);
    word->name_len = name_len;
    if (name_len == 0)
        return false;
    at += name_len;
    at += strspn(at, BLANKS);
    if (*at != '=')
        return false;
    at++;
    at += strspn(at, BLANKS);
    bool quoted = *at == '\'';
    at += quoted;
    while (*at != '\0' && (quoted ? *at != '\'' : strchr(BLANKS, *at) == NULL)) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        if (len == sizeof word->value - 1)
            return false;
        word->value[len++] = *at++;
    }
    word->value[len] = '\0';
    if (quoted && *at != '\'')
        return false;
    *rest = at + quoted;
    return true;
}

static bool is_named(const struct word *word, const char *name)
{
    return word->name_len == strlen(name) && memcmp(word->name, name, word->name_len) == 0;
}

void conninfo_host(const char *conninfo, char host[static 256])
{
    struct word word;
    *host = '\0';
    while (next_word(&conninfo, &word))
        if (is_named(&word, "host"))
            (void)snprintf(host, 256, "%.255s", word.value);
}

bool conninfo_point(struct buf *out, const char *present, const char *pod_name, const char *host)
{
    struct buf pointed = buf_new(out->cap);
    struct word word;
    bool ours = false;
    const char *rest = present;
    while (next_word(&rest, &word)) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)word.name_len, word.name);
        ours = ours || (is_named(&word, "application_name") && strcmp(word.value, pod_name) == 0);
        if (!is_named(&word, "hostaddr"))
            conninfo_word(&pointed, name, is_named(&word, "host") ? host : word.value);
    }
    ours = ours && rest[strspn(rest, BLANKS)] == '\0' && strncmp(present, "host=", 5) == 0;
    if (ours)
        buf_add_text(out, buf_text(&pointed));
    buf_free(&pointed);
    return ours;
}

/* ---- a standby that is held */

void conninfo_hold(char host[static 64], int64_t now_s)
{
    (void)snprintf(host, 64, HELD_PREFIX "%" PRIi64 HELD_SUFFIX, now_s);
}

bool conninfo_is_held(const char *conninfo, int64_t now_s)
{
    char host[256];
    conninfo_host(conninfo, host);
    return conninfo_host_is_held(host, now_s);
}

bool conninfo_host_is_nobody(const char *host)
{
    return strncmp(host, HELD_PREFIX, strlen(HELD_PREFIX)) == 0;
}

bool conninfo_host_is_held(const char *host, int64_t now_s)
{
    uint64_t since_s;
    size_t prefix = strlen(HELD_PREFIX);
    if (!conninfo_host_is_nobody(host))
        return false;
    struct span digits = {host + prefix, strcspn(host + prefix, ".")};
    return text_u64(digits, &since_s) && since_s <= (uint64_t)now_s &&
           (uint64_t)now_s - since_s < HELD_S;
}

bool conninfo_line_is_held(const char *line, size_t len, int64_t now_s)
{
    const char *host = memmem(line, len, HELD_PREFIX, strlen(HELD_PREFIX));
    return host != NULL && conninfo_host_is_held(host, now_s);
}
