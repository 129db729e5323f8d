#include "init/render_scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/digest.h"
#include "init/sys/file.h"

#define PASSWORD_MAX ((size_t)64 * 1024)
#define CONNINFO_MAX ((size_t)64 * 1024)
#define NAME_MAX_LEN 255

/* "" : not known. */
void render_scope_know(struct render_scope *scope, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    assert(scope->known_count < RENDER_FACTS_MAX);
    scope->known[scope->known_count].name = name;
    scope->known[scope->known_count++].value = value;
}

void render_scope_know_number(struct render_scope *scope, const char *name, long long value)
{
    char *text = scope->numbers[scope->number_count];

    assert(scope->number_count < sizeof scope->numbers / sizeof *scope->numbers);
    scope->number_count++;
    snprintf(text, sizeof scope->numbers[0], "%lld", value);
    render_scope_know(scope, name, text);
}

static void know_identity(struct render_scope *scope)
{
    const struct identity *identity = scope->facts->identity;

    render_scope_know(scope, "POD_NAME", identity->pod_name);
    render_scope_know(scope, "STATEFULSET", identity->statefulset);
    render_scope_know(scope, "SERVICE", identity->service);
    render_scope_know(scope, "NAMESPACE", identity->namespace_name);
    render_scope_know(scope, "CLUSTER_DOMAIN", identity->domain);
    render_scope_know(scope, "CLUSTER_ID", identity->cluster_id);
    if (identity->pod_ip.family != ADDR_NONE)
        render_scope_know(scope, "POD_IP", identity->pod_ip.text);
    if (identity->ordinal < 0)
        return;
    render_scope_know_number(scope, "ORDINAL", identity->ordinal);
    if (identity->service[0] != '\0') {
        identity_host_name(identity, identity->ordinal, scope->host_name);
        render_scope_know(scope, "HOST_NAME", scope->host_name);
    }
}

bool render_scope_know_password(struct render_scope *scope, const char *file, const char *value,
                                struct err *err)
{
    if (file[0] != '\0') {
        if (!file_read_secret(file, &scope->password, err))
            return err_wrap(err, "password");
    } else {
        buf_add_text(&scope->password, value);
    }
    if (scope->password.len > 0)
        render_scope_know(scope, "PASSWORD", buf_text(&scope->password));
    return true;
}

static bool know_redis(struct render_scope *scope, struct err *err)
{
    const struct redis_settings *redis = &scope->facts->settings->redis;

    if (strpbrk(redis->username, " \t\r\n\v\f") != NULL)
        return err_set(err, ERR_CONFIG,
                       "ORDAIN_REDIS_USERNAME '%s' holds a blank, which no server takes",
                       redis->username);
    render_scope_know_number(scope, "PORT", redis->port);
    render_scope_know_number(scope, "NODE_TIMEOUT", redis->node_timeout_ms);
    render_scope_know(scope, "USERNAME", redis->username);
    render_scope_know(scope, "TLS", redis->tls_ca[0] != '\0' ? "yes" : "no");
    render_scope_know(scope, "TLS_CA", redis->tls_ca);
    render_scope_know(scope, "TLS_CERT", redis->tls_cert);
    render_scope_know(scope, "TLS_KEY", redis->tls_key);
    if (redis->version_major > 0) {
        render_scope_know_number(scope, "VERSION_MAJOR", redis->version_major);
        render_scope_know_number(scope, "VERSION_MINOR", redis->version_minor);
    }
    if (!render_scope_know_password(scope, redis->password_file, redis->password, err))
        return false;
    if (scope->password.len > 0) {
        digest_sha256_hex(scope->password.data, scope->password.len, scope->password_sha256);
        render_scope_know(scope, "PASSWORD_SHA256", scope->password_sha256);
    }
    return true;
}

bool render_scope_open(struct render_scope *scope, const struct render_facts *facts, bool extra,
                       struct err *err)
{
    const struct settings *settings = facts->settings;

    *scope = (struct render_scope){.facts = facts,
                                   .password = buf_new(PASSWORD_MAX),
                                   .replication = buf_new(CONNINFO_MAX),
                                   .conninfo = buf_new(CONNINFO_MAX)};
    render_scope_know(scope, "ENGINE", facts->engine);
    render_scope_know(scope, "ROLE", facts->role);
    render_scope_know(scope, "REGION", settings->region);
    render_scope_know(scope, "ZONE", settings->zone[0] != '\0' ? settings->zone : facts->zone);
    render_scope_know(scope, "DATA_DIR", settings->data_dir);
    render_scope_know(scope, "CONFIG_DIR", settings->config_dir);
    if (settings->replicas > 0)
        render_scope_know_number(scope, "REPLICAS", settings->replicas);
    know_identity(scope);
    if (extra) {
        if (!file_join(scope->extra_conf, settings->config_dir, "extra.conf", err))
            return false;
        render_scope_know(scope, "EXTRA_CONF", scope->extra_conf);
    }
    if (strcmp(facts->engine, "redis") == 0)
        return know_redis(scope, err);
    return render_scope_know_postgres(scope, err);
}

void render_scope_close(struct render_scope *scope)
{
    if (scope->password.data != NULL)
        explicit_bzero(scope->password.data, scope->password.len);
    buf_free(&scope->password);
    buf_free(&scope->replication);
    buf_free(&scope->conninfo);
}

const char *render_scope_fact(const struct render_scope *scope, const char *name)
{
    for (size_t i = 0; i < scope->known_count; i++)
        if (strcmp(scope->known[i].name, name) == 0)
            return scope->known[i].value;
    return NULL;
}

/* NULL: no name of a peer's; "" : not known of this one. */
static const char *peer_fact(struct render_scope *scope, const char *name, size_t index)
{
    const struct render_peer *peer;

    if (strncmp(name, "PEER_", 5) != 0 || index == TEMPLATE_NO_PEER)
        return NULL;
    peer = &scope->facts->peers[index];
    name += 5;
    if (strcmp(name, "NAME") == 0)
        return peer->pod_name;
    if (strcmp(name, "HOST") == 0)
        return peer->host_name;
    if (strcmp(name, "IP") == 0)
        return peer->ip;
    if (strcmp(name, "ROLE") == 0)
        return peer->role;
    if (strcmp(name, "ZONE") == 0)
        return peer->zone;
    if (strcmp(name, "SELF") == 0)
        return peer->ordinal == scope->facts->identity->ordinal ? "yes" : "no";
    if (strcmp(name, "ORDINAL") == 0) {
        snprintf(scope->peer_ordinal, sizeof scope->peer_ordinal, "%d", peer->ordinal);
        return scope->peer_ordinal;
    }
    return NULL;
}

/* NAME in upper case when it is all lower case, else as it is. */
static void fold(char *name)
{
    for (const char *p = name; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            return;
    for (char *p = name; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
}

static bool lookup(void *user, const char *name, size_t len, size_t peer,
                   struct template_span *value)
{
    struct render_scope *scope = user;
    char text[NAME_MAX_LEN + 1];
    char upper[NAME_MAX_LEN + 1];
    const char *found;

    if (len > NAME_MAX_LEN)
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    memcpy(upper, text, len + 1);
    fold(upper);
    found = peer_fact(scope, upper, peer);
    if (found != NULL && found[0] == '\0')
        return false;
    if (found == NULL)
        found = render_scope_fact(scope, upper);
    if (found == NULL)
        found = getenv(text);
    if (found == NULL)
        return false;
    *value = (struct template_span){found, strlen(found)};
    return true;
}

struct template_scope render_scope_template(struct render_scope *scope)
{
    return (struct template_scope){lookup, scope, scope->facts->peer_count};
}
