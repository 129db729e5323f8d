#include "init/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/settings_table.h"
#include "init/suggest.h"

#define PREFIX "ORDAIN_"

/* What the kubelet tells by names of its own. */
static const struct setting_row told[] = {
    {.info = {.variable = "POD_NAME"},
     .kind = KIND_NAME,
     .offset = offsetof(struct settings, pod_name)     },
    {.info = {.variable = "POD_NAMESPACE"},
     .kind = KIND_NAME,
     .offset = offsetof(struct settings, pod_namespace)},
    {.info = {.variable = "POD_IP"},
     .kind = KIND_TEXT,
     .offset = offsetof(struct settings, pod_ip)       },
    {.info = {.variable = "POD_IPS"},
     .kind = KIND_TEXT,
     .offset = offsetof(struct settings, pod_ips)      },
    {.info = {.variable = "POD_INDEX"},
     .kind = KIND_TEXT,
     .offset = offsetof(struct settings, pod_index)    },
};

static void set_defaults(struct settings *settings, const char *engine)
{
    bool postgres = strcmp(engine, "postgres") == 0;
    *settings = (struct settings){
        .statefulset = "",
        .service = "",
        .namespace_name = "",
        .cluster_domain = "",
        .cluster_id = "",
        .ordinal = -1,
        .zones = "",
        .region = "",
        .zone = "",
        .register_name = "",
        .promote_replica = "",
        .owner = "",
        .data_dir = postgres ? "/var/lib/postgresql/data" : "/data",
        .config_dir = postgres ? "/etc/postgresql" : "/etc/redis",
        .install_dir = "",
        .template_dir = "",
        .probe_timeout_ms = 800,
        .peer_wait_ms = 30000,
        .log_level = 1,
        .termination_log = "",
        .preset = "",
        .hardlinks = "auto",
        .redis = {.port = 6379,
                  .username = "",
                  .password = "",
                  .password_file = "",
                  .tls_ca = "",
                  .tls_cert = "",
                  .tls_key = "",
                  .node_timeout_ms = 5000},
        .postgres = { .pgdata = "",
                  .port = 5432,
                  .replication_user = "replicator",
                  .password = "",
                  .password_file = "",
                  .replication_from = "all",
                  .max_slot_wal_keep_size = INT64_C(10) << 30,
                  .sslmode = "",
                  .tls_ca = "",
                  .tls_cert = "",
                  .tls_key = "",
                  .max_lag = INT64_C(16) << 20,
                  .tablespace_mapping = "",
                  .synchronous = -1,
                  .peer_is_dead = "",
                  .admin = "postgres",
                  .admin_file = "",
                  .admin_password = "",
                  .admin_password_file = "",
                  .database = "",
                  .database_file = ""},
        .pod_name = "",
        .pod_namespace = "",
        .pod_ip = "",
        .pod_ips = "",
        .pod_index = "",
    };
}

static bool ends_with(const char *text, size_t length, const char *tail)
{
    size_t tail_length = strlen(tail);
    return length >= tail_length && memcmp(text + length - tail_length, tail, tail_length) == 0;
}

/* True for the variables that Kubernetes makes of a Service: X_SERVICE_HOST, X_SERVICE_PORT[_NAME],
 * X_PORT and X_PORT_80_TCP with tcp:// values, X_PORT_80_TCP_PROTO, _PORT and _ADDR. NAME's length
 * is LENGTH (kubernetes.io, "Environment variables" of a Service). */
static bool is_service_link(const char *name, size_t length, const char *value)
{
    char copy[256];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, name, length);
    copy[length] = '\0';
    if (ends_with(copy, length, "_SERVICE_HOST") || ends_with(copy, length, "_SERVICE_PORT") ||
        strstr(copy, "_SERVICE_PORT_") != NULL)
        return true;
    if (setting_is_link(value))
        return ends_with(copy, length, "_PORT") || strstr(copy, "_PORT_") != NULL;
    for (const char *at = strstr(copy, "_PORT_"); at != NULL; at = strstr(at + 1, "_PORT_")) {
        const char *port = at + strlen("_PORT_");
        size_t digits = strspn(port, "0123456789");
        const char *rest = port + digits;
        if (digits > 0 && (strncmp(rest, "_TCP_", 5) == 0 || strncmp(rest, "_UDP_", 5) == 0 ||
                           strncmp(rest, "_SCTP_", 6) == 0))
            return true;
    }
    return false;
}

static bool unknown_variable(const char *name, size_t length, struct err *err)
{
    size_t prefix = strlen(PREFIX);
    struct suggestion suggestion = suggest_start(name + prefix, length - prefix);
    for (size_t i = 0; i < setting_row_count; i++)
        if (setting_rows[i].info.variable != NULL &&
            strncmp(setting_rows[i].info.variable, PREFIX, prefix) == 0)
            suggest_offer(&suggestion, setting_rows[i].info.variable + prefix);
    int shown = (int)(length < 80 ? length : 80);
    if (suggestion.best != NULL) {
        return err_set(err, ERR_CONFIG,
                       "unknown setting '%.*s' in the environment: did you mean " PREFIX "%s?",
                       shown, name, suggestion.best);
    }
    return err_set(err, ERR_CONFIG,
                   "unknown setting '%.*s' in the environment: names that begin with " PREFIX
                   " are ordain's; 'ordain --help' lists them",
                   shown, name);
}

static const struct setting_row *find_variable(const struct setting_row *rows, size_t count,
                                               const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        const char *variable = rows[i].info.variable;
        if (variable != NULL && strncmp(variable, name, length) == 0 && variable[length] == '\0')
            return &rows[i];
    }
    return NULL;
}

static bool read_variable(struct settings *settings, const char *entry, struct err *err)
{
    const char *equals = strchr(entry, '=');
    if (equals == NULL)
        return true;
    size_t length = (size_t)(equals - entry);
    const char *value = equals + 1;
    const struct setting_row *row = NULL;
    if (strncmp(entry, PREFIX, strlen(PREFIX)) == 0) {
        row = find_variable(setting_rows, setting_row_count, entry, length);
        if (row == NULL)
            return is_service_link(entry, length, value) || unknown_variable(entry, length, err);
    } else if (strncmp(entry, "PGDATA=", 7) == 0 || strncmp(entry, "POSTGRES_", 9) == 0) {
        row = find_variable(setting_rows, setting_row_count, entry, length);
    } else if (strncmp(entry, "POD_", 4) == 0) {
        row = find_variable(told, sizeof told / sizeof told[0], entry, length);
    } else if (strncmp(entry, "NO_COLOR=", 9) == 0 && *value != '\0') {
        settings->color = COLOR_NEVER;
    }
    if (row == NULL || *value == '\0')
        return true;
    return setting_parse(settings, row, value, row->info.variable, ERR_CONFIG, err);
}

/* Reads all of it although something is wrong, so that the error is logged as the log's settings
 * want it; the first error is the one told. */
static bool read_environment(struct settings *settings, struct err *err)
{
    bool good = true;
    struct err further;
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
        if ((*entry)[0] == 'O' || (*entry)[0] == 'P' || (*entry)[0] == 'N')
            good = read_variable(settings, *entry, good ? err : &further) && good;
    return good;
}

/* Is NAME how ROW's flag may be written: --redis-x everywhere, --x where the engine is named. */
static bool is_flag(const struct setting_row *row, const char *engine, const char *name,
                    size_t length)
{
    const char *flag = row->info.flag;
    if (flag == NULL)
        return false;
    size_t engine_length = strlen(row->info.engine);
    if (engine_length > 0 && length > engine_length && name[engine_length] == '-' &&
        strncmp(name, row->info.engine, engine_length) == 0 &&
        strncmp(flag, name + engine_length + 1, length - engine_length - 1) == 0 &&
        flag[length - engine_length - 1] == '\0')
        return true;
    bool plain = engine_length == 0 || strcmp(row->info.engine, engine) == 0;
    return plain && strncmp(flag, name, length) == 0 && flag[length] == '\0';
}

static bool unknown_flag(const char *flag, size_t length, command_set command, const char *engine,
                         struct err *err)
{
    const char *name = flag + 2;
    size_t name_length = length - 2;
    int shown = (int)(length < 80 ? length : 80);
    if ((name_length == 8 && strncmp(name, "password", 8) == 0) ||
        (name_length == 14 && strncmp(name, "redis-password", 14) == 0)) {
        return err_set(err, ERR_USAGE,
                       "there is no %.*s: others can read a command's arguments; use "
                       "--password-file, or %s from a Secret",
                       shown, flag,
                       strcmp(engine, "postgres") == 0 ? "ORDAIN_PG_PASSWORD"
                                                       : "ORDAIN_REDIS_PASSWORD");
    }
    struct suggestion suggestion = suggest_start(name, name_length);
    for (size_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        bool known = (row->info.commands & command) != 0;
        if (known && is_flag(row, row->info.engine, name, name_length)) {
            return err_set(err, ERR_USAGE, "%.*s is --%s-%s where no engine is named", shown, flag,
                           row->info.engine, row->info.flag);
        }
        if (is_flag(row, row->info.engine, name, name_length)) {
            return err_set(err, ERR_USAGE, "%.*s is no flag of this command; see its --help", shown,
                           flag);
        }
        bool plain = row->info.engine[0] == '\0' || strcmp(row->info.engine, engine) == 0;
        if (row->info.flag != NULL && plain && known)
            suggest_offer(&suggestion, row->info.flag);
    }
    if (suggestion.best != NULL) {
        return err_set(err, ERR_USAGE, "unknown flag '%.*s': did you mean --%s?", shown, flag,
                       suggestion.best);
    }
    return err_set(err, ERR_USAGE, "unknown flag '%.*s'; see --help", shown, flag);
}

/* Reads the flag at ARGV[*AT] and moves *AT behind it and its value. */
static bool read_flag(struct settings *settings, command_set command, const char *engine, int argc,
                      char **argv, int *at, struct err *err)
{
    const char *flag = argv[(*at)++];
    size_t length = strcspn(flag, "=");
    const struct setting_row *row = NULL;
    for (size_t i = 0; i < setting_row_count && row == NULL; i++)
        if ((setting_rows[i].info.commands & command) != 0 && flag[1] == '-' &&
            is_flag(&setting_rows[i], engine, flag + 2, length - 2))
            row = &setting_rows[i];
    if (row == NULL) {
        return flag[1] == '-' ? unknown_flag(flag, length, command, engine, err)
                              : err_set(err, ERR_USAGE, "unknown flag '%.*s'; see --help",
                                        length < 80 ? (int)length : 80, flag);
    }
    const char *value = flag[length] == '=' ? flag + length + 1 : NULL;
    if (value == NULL && row->kind == KIND_SWITCH)
        value = "true";
    else if (value == NULL && *at < argc && strncmp(argv[*at], "--", 2) != 0)
        value = argv[(*at)++];
    if (value == NULL || *value == '\0') {
        return err_set(err, ERR_USAGE, "%.*s needs a value: %s", (int)length, flag,
                       row->info.value != NULL ? row->info.value : "true or false");
    }
    char source[80];
    (void)snprintf(source, sizeof source, "%.*s", (int)length, flag);
    return setting_parse(settings, row, value, source, ERR_USAGE, err);
}

/* A certificate belongs to its key, and nobody has one without an authority to trust. */
static bool check_tls(const char *prefix, const char *ca, const char *cert, const char *key,
                      bool needs_ca, struct err *err)
{
    if ((*cert == '\0') != (*key == '\0')) {
        return err_set(err, ERR_CONFIG, "%s_TLS_CERT and %s_TLS_KEY belong together: %s is not set",
                       prefix, prefix, *cert == '\0' ? "the first" : "the second");
    }
    if (needs_ca && *cert != '\0' && *ca == '\0') {
        return err_set(err, ERR_CONFIG,
                       "%s_TLS_CERT is set but %s_TLS_CA is not: without it there is no TLS",
                       prefix, prefix);
    }
    return true;
}

static bool check_together(const struct settings *settings, struct err *err)
{
    const struct redis_settings *redis = &settings->redis;
    const struct postgres_settings *postgres = &settings->postgres;
    return check_tls("ORDAIN_REDIS", redis->tls_ca, redis->tls_cert, redis->tls_key, true, err) &&
           check_tls("ORDAIN_PG", postgres->tls_ca, postgres->tls_cert, postgres->tls_key, false,
                     err);
}

bool settings_read(struct settings *settings, command_set command, const char *engine, int argc,
                   char **argv, int *operands_at, struct err *err)
{
    set_defaults(settings, engine);
    struct err further;
    bool good = read_environment(settings, err);
    if (strcmp(engine, "postgres") == 0)
        good = settings_read_files(settings, command, good ? err : &further) && good;
    int at = 0;
    int operands = 0; /* gathered at the front, over the flags that were read */
    while (at < argc && strcmp(argv[at], "--") != 0) {
        if (argv[at][0] != '-' || argv[at][1] == '\0') {
            argv[operands++] = argv[at++];
        } else {
            good = read_flag(settings, command, engine, argc, argv, &at, good ? err : &further) &&
                   good;
        }
    }
    at += at < argc; /* the "--" */
    *operands_at = at - operands;
    memmove(argv + *operands_at, argv, (size_t)operands * sizeof *argv);
    if (strcmp(engine, "postgres") == 0 && *settings->postgres.pgdata != '\0')
        settings->data_dir = settings->postgres.pgdata;
    return good && check_together(settings, err);
}

size_t settings_count(void)
{
    return setting_row_count;
}

const struct setting_info *settings_info(size_t index)
{
    return &setting_rows[index].info;
}
