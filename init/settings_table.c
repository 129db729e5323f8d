#include "init/settings_table.h"

#include "init/command.h"
#include "init/sys/clock.h"

/* The commands that ask who the pods are. */
#define PODS                                                                                       \
    (COMMAND_INIT | COMMAND_EXEC | COMMAND_FORM | COMMAND_PROBE | COMMAND_PLAN | COMMAND_STATUS |  \
     COMMAND_ROLE | COMMAND_PEERS | COMMAND_RENDER | COMMAND_PROMOTE)
#define REDIS_PODS (PODS & ~COMMAND_PROMOTE)
/* Those that come before a server's start. */
#define START (COMMAND_INIT | COMMAND_EXEC | COMMAND_PLAN)
/* Those that talk to servers. */
#define TALK (START | COMMAND_FORM | COMMAND_PROBE | COMMAND_STATUS)
/* Those that know of Postgres. */
#define PG_TALK (TALK | COMMAND_PROMOTE)
#define ALL (PODS | COMMAND_PERMS | COMMAND_INSTALL | COMMAND_COMPLETION)
#define MINUTE (60 * INT64_C(1000))
#define DAY (INT64_C(24) * 60 * MINUTE)

static const char *const managements[] = {"OrderedReady", "Parallel", NULL};
static const char *const births[] = {"auto", "new", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const outputs[] = {"text", "json", NULL};
static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const presets[] = {"redis", "postgres", NULL};
static const char *const sslmodes[] = {"disable",   "prefer",      "require",
                                       "verify-ca", "verify-full", NULL};
static const char *const compressions[] = {"auto", "none", "lz4", "zstd", NULL};
static const char *const sources[] = {"primary", "standby", NULL};
static const char *const policies[] = {"keep", "discard", "rewind", NULL};
static const char *const hardlink_policies[] = {"auto", "fix", "skip", "fail", NULL};

#define ANY ""
#define REDIS "redis"
#define POSTGRES "postgres"
#define MEMBER(member) offsetof(struct settings, member), sizeof(((struct settings *)0)->member)

/* A row: what it takes and where it goes, then its flag, variable, value, default, commands and
 * help. */
#define RANGE(engine, kind, member, least, most, flag, variable, value, given, commands, help)     \
    {                                                                                              \
        {flag, variable, value, given, help, engine, NULL, commands}, kind, MEMBER(member), least, \
            most                                                                                   \
    }
#define PLAIN(engine, kind, member, flag, variable, value, given, commands, help)                  \
    RANGE(engine, kind, member, 0, 0, flag, variable, value, given, commands, help)
#define CHOICE(engine, kind, member, words, flag, variable, value, given, commands, help)          \
    {                                                                                              \
        {flag, variable, value, given, help, engine, words, commands}, kind, MEMBER(member), 0, 0  \
    }
const struct setting_row setting_rows[] = {
    PLAIN(ANY, KIND_NAME, statefulset, "statefulset", "ORDAIN_STATEFULSET", "NAME",
          "POD_NAME less -N", PODS,
          "name of the StatefulSet; needed where there is no POD_NAME, as in a Job"),
    PLAIN(ANY, KIND_NAME, service, "service", "ORDAIN_SERVICE", "NAME", "", PODS,
          "name of the headless Service that gives the pods their DNS names"),
    PLAIN(ANY, KIND_NAME, namespace_name, "namespace", "ORDAIN_NAMESPACE", "NAME",
          "POD_NAMESPACE, else the token's, else resolv.conf's", PODS, "namespace of the pods"),
    PLAIN(ANY, KIND_NAME, cluster_domain, "cluster-domain", "ORDAIN_CLUSTER_DOMAIN", "DOMAIN",
          "from resolv.conf, else cluster.local", PODS, "DNS domain of the Kubernetes cluster"),
    PLAIN(ANY, KIND_TEXT, cluster_id, "cluster-id", "ORDAIN_CLUSTER_ID", "TEXT",
          "NAMESPACE/STATEFULSET", PODS,
          "what this cluster is called; make it unique where pods of two Kubernetes clusters can "
          "reach each other"),
    RANGE(ANY, KIND_INTEGER, ordinal, 0, INT32_MAX, "ordinal", "ORDAIN_ORDINAL", "N",
          "POD_INDEX, else the tail of POD_NAME or of the host name", PODS, "ordinal of this pod"),
    RANGE(ANY, KIND_INTEGER, ordinal_start, 0, INT32_MAX, "ordinal-start", "ORDAIN_ORDINAL_START",
          "N", "0", PODS, "first ordinal, the StatefulSet's .spec.ordinals.start"),
    RANGE(ANY, KIND_INTEGER, replicas, 1, 1000, "replicas", "ORDAIN_REPLICAS", "N", "", PODS,
          "number of pods at birth; redis: it stays the same when the StatefulSet is scaled later"),
    CHOICE(ANY, KIND_CHOICE, pod_management, managements, "pod-management", "ORDAIN_POD_MANAGEMENT",
           "POLICY", "OrderedReady", PODS, "the StatefulSet's .spec.podManagementPolicy"),
    PLAIN(ANY, KIND_TEXT, zones, "zones", "ORDAIN_ZONES", "ZONE,...", "", PODS,
          "zone of each ordinal at birth; replicas are placed in another zone than their master"),
    PLAIN(ANY, KIND_TEXT, region, "region", "ORDAIN_REGION", "NAME", "", START | COMMAND_RENDER,
          "region of this pod, for templates"),
    PLAIN(ANY, KIND_TEXT, zone, "zone", "ORDAIN_ZONE", "NAME", "", START | COMMAND_RENDER,
          "zone of this pod, for templates"),

    PLAIN(ANY, KIND_TEXT, register_name, "register", "ORDAIN_REGISTER", "kubernetes|none|file:PATH",
          "kubernetes where a token is mounted, else none", PG_TALK,
          "where it is recorded which pods were born"),
    CHOICE(ANY, KIND_CHOICE, birth, births, "birth", "ORDAIN_BIRTH", "MODE", "auto",
           START | COMMAND_FORM,
           "new says that this is a first install, which register none cannot know"),
    PLAIN(ANY, KIND_SWITCH, adopt, "adopt", "ORDAIN_ADOPT", NULL, "", TALK,
          "take over a cluster that ordain did not make; redis: it stays set for such a cluster; "
          "postgres: for one start"),
    PLAIN(ANY, KIND_SWITCH, accept_empty_shard, "accept-empty-shard", "ORDAIN_ACCEPT_EMPTY_SHARD",
          NULL, "", START | COMMAND_FORM,
          "the keys of a shard are lost with its volumes: go on without them"),
    PLAIN(ANY, KIND_NAME, promote_replica, "promote-replica", "ORDAIN_PROMOTE_REPLICA", "POD", "",
          COMMAND_FORM | COMMAND_PLAN,
          "the pod that holds the data of a shard whose master is lost"),

    PLAIN(ANY, KIND_TEXT, owner, "owner", "ORDAIN_OWNER", "UID[:GID]",
          "of the preset or of the data directory", START | COMMAND_PERMS | COMMAND_RENDER,
          "user and group of the server, as numbers"),
    PLAIN(
        ANY, KIND_PATH, install_dir, "install", "ORDAIN_INSTALL", "DIR", "", COMMAND_INIT,
        "copies this program there first, as `ordain install` does: one init container is enough"),
    PLAIN(ANY, KIND_PATH, data_dir, "data-dir", "ORDAIN_DATA_DIR", "DIR", "/data",
          START | COMMAND_FORM | COMMAND_PROBE | COMMAND_STATUS | COMMAND_RENDER,
          "the server's volume"),
    PLAIN(ANY, KIND_PATH, config_dir, "config-dir", "ORDAIN_CONFIG_DIR", "DIR", "/etc/redis",
          START | COMMAND_PROBE | COMMAND_RENDER, "where the rendered configuration goes"),
    PLAIN(ANY, KIND_PATH, template_dir, "template-dir", "ORDAIN_TEMPLATE_DIR", "DIR", "built in",
          START | COMMAND_RENDER, "templates that replace the built-in ones file by file"),

    RANGE(ANY, KIND_DURATION, timeout_ms, 1, DAY, "timeout", "ORDAIN_TIMEOUT", "TIME",
          "2m for init and exec, 5m for form, else 30s", PODS & ~(unsigned)COMMAND_PROBE,
          "time for the whole command"),
    RANGE(ANY, KIND_DURATION, probe_timeout_ms, 1, 10 * MINUTE, "probe-timeout",
          "ORDAIN_PROBE_TIMEOUT", "TIME", "800ms", COMMAND_PROBE,
          "time for one probe; less than the probe's timeoutSeconds"),
    RANGE(ANY, KIND_DURATION, peer_wait_ms, 0, DAY, "peer-wait", "ORDAIN_PEER_WAIT", "TIME", "30s",
          START, "how long a start waits for the names of lower ordinals"),

    CHOICE(ANY, KIND_CHOICE, log_json, log_formats, "log-format", "ORDAIN_LOG_FORMAT", "FORMAT",
           "text", ALL, "form of the log, which goes to stderr"),
    CHOICE(ANY, KIND_CHOICE, log_level, log_levels, "log-level", "ORDAIN_LOG_LEVEL", "LEVEL",
           "info", ALL, "lowest level that the log shows"),
    CHOICE(ANY, KIND_CHOICE, output, outputs, "output", "ORDAIN_OUTPUT", "FORMAT", "text",
           COMMAND_STATUS | COMMAND_ROLE | COMMAND_PEERS | COMMAND_PERMS,
           "form of the answer, which goes to stdout"),
    CHOICE(ANY, KIND_CHOICE, color, colors, "color", "ORDAIN_COLOR", "WHEN", "auto", COMMAND_STATUS,
           "colour of the answer; auto: on a terminal, unless NO_COLOR is set"),
    PLAIN(ANY, KIND_PATH, termination_log, "termination-log", "ORDAIN_TERMINATION_LOG", "PATH",
          "/dev/termination-log", COMMAND_INIT | COMMAND_EXEC | COMMAND_FORM,
          "the container's terminationMessagePath, which gets the last sentence; it is never "
          "created"),

    PLAIN(ANY, KIND_SWITCH, check, "check", NULL, NULL, "", COMMAND_PERMS | COMMAND_RENDER,
          "change nothing; say what is wrong, with status 1"),
    CHOICE(ANY, KIND_WORD, preset, presets, "preset", "ORDAIN_PRESET", "ENGINE", "", COMMAND_PERMS,
           "owner and modes as the engine's official image wants them"),
    CHOICE(ANY, KIND_WORD, hardlinks, hardlink_policies, "hardlinks", "ORDAIN_HARDLINKS", "POLICY",
           "auto", COMMAND_PERMS | COMMAND_INIT,
           "what becomes of files with more than one name, which may lead out of the volume"),
    PLAIN(ANY, KIND_SWITCH, cross_mounts, "cross-mounts", "ORDAIN_CROSS_MOUNTS", NULL, "",
          COMMAND_PERMS | COMMAND_INIT, "go into file systems mounted below the directory, too"),
    PLAIN(ANY, KIND_SWITCH, always, "always", "ORDAIN_ALWAYS", NULL, "",
          COMMAND_PERMS | COMMAND_INIT, "walk the whole volume although its root is right"),

    RANGE(REDIS, KIND_INTEGER, redis.masters, 1, 1000, "masters", "ORDAIN_REDIS_MASTERS", "N",
          "replicas / 2, at least 3", REDIS_PODS, "number of masters at birth"),
    RANGE(REDIS, KIND_INTEGER, redis.port, 1, 55535, "port", "ORDAIN_REDIS_PORT", "PORT", "6379",
          REDIS_PODS, "the server's port, of TLS where TLS is on; the cluster bus is 10000 above"),
    PLAIN(REDIS, KIND_TEXT, redis.username, "username", "ORDAIN_REDIS_USERNAME", "NAME",
          "the default user", TALK | COMMAND_RENDER, "ACL user"),
    PLAIN(REDIS, KIND_SECRET, redis.password, NULL, "ORDAIN_REDIS_PASSWORD", "SECRET", "",
          TALK | COMMAND_RENDER,
          "password, from a Secret; there is no such flag, since others can read arguments"),
    PLAIN(REDIS, KIND_PATH, redis.password_file, "password-file", "ORDAIN_REDIS_PASSWORD_FILE",
          "PATH", "", TALK | COMMAND_RENDER,
          "file with the password, read at each use; wins over the variable"),
    PLAIN(REDIS, KIND_PATH, redis.tls_ca, "tls-ca", "ORDAIN_REDIS_TLS_CA", "PATH", "",
          TALK | COMMAND_RENDER, "certificates of the authorities to trust (PEM); turns TLS on"),
    PLAIN(REDIS, KIND_PATH, redis.tls_cert, "tls-cert", "ORDAIN_REDIS_TLS_CERT", "PATH", "",
          TALK | COMMAND_RENDER, "certificate of the server, which is the client's too (PEM)"),
    PLAIN(REDIS, KIND_PATH, redis.tls_key, "tls-key", "ORDAIN_REDIS_TLS_KEY", "PATH", "",
          TALK | COMMAND_RENDER, "private key of the certificate (PEM)"),
    RANGE(REDIS, KIND_VERSION, redis.version_major, 1, 999, "version", "ORDAIN_REDIS_VERSION",
          "X.Y", "what every version understands", TALK | COMMAND_RENDER,
          "version of the server (Valkey's, too), for directives that only newer ones know"),
    RANGE(REDIS, KIND_DURATION, redis.node_timeout_ms, 100, 60 * MINUTE, "node-timeout",
          "ORDAIN_REDIS_NODE_TIMEOUT", "TIME", "5s", TALK | COMMAND_RENDER,
          "cluster-node-timeout: after this silence a node counts as failed"),

    PLAIN(POSTGRES, KIND_PATH, postgres.pgdata, "pgdata", "PGDATA", "DIR",
          "/var/lib/postgresql/data", PG_TALK | COMMAND_RENDER,
          "the server's data directory, below the volume's mount point; wins over --data-dir"),
    RANGE(POSTGRES, KIND_INTEGER, postgres.port, 1, 65535, "port", "ORDAIN_PG_PORT", "PORT", "5432",
          PG_TALK | COMMAND_RENDER, "the server's port"),
    PLAIN(POSTGRES, KIND_NAME, postgres.replication_user, "replication-user",
          "ORDAIN_PG_REPLICATION_USER", "NAME", "replicator", PG_TALK | COMMAND_RENDER,
          "role that standbys and clones log in as; made at the first initdb or by form"),
    PLAIN(POSTGRES, KIND_SECRET, postgres.password, NULL, "ORDAIN_PG_PASSWORD", "SECRET", "",
          PG_TALK | COMMAND_RENDER, "its password, from a Secret; there is no such flag"),
    PLAIN(POSTGRES, KIND_PATH, postgres.password_file, "password-file", "ORDAIN_PG_PASSWORD_FILE",
          "PATH", "", PG_TALK | COMMAND_RENDER,
          "file with its password, read at each use; wins over the variable"),
    PLAIN(POSTGRES, KIND_TEXT, postgres.replication_from, "replication-from",
          "ORDAIN_PG_REPLICATION_FROM", "NETWORK,...", "all", START | COMMAND_RENDER,
          "networks that replication may come from, as pg_hba.conf has them; all: any, with the "
          "password"),
    RANGE(
        POSTGRES, KIND_SIZE, postgres.max_slot_wal_keep_size, 64 << 20, INT64_C(1) << 50,
        "max-slot-wal-keep-size", "ORDAIN_PG_MAX_SLOT_WAL_KEEP_SIZE", "SIZE", "10GB",
        START | COMMAND_RENDER,
        "WAL that a slot may hold for a standby that is away; beyond it that standby clones anew"),
    CHOICE(POSTGRES, KIND_WORD, postgres.sslmode, sslmodes, "sslmode", "ORDAIN_PG_SSLMODE", "MODE",
           "verify-full where a CA is set, else prefer", PG_TALK | COMMAND_RENDER,
           "how connections between the pods are secured, libpq's words"),
    PLAIN(POSTGRES, KIND_PATH, postgres.tls_ca, "tls-ca", "ORDAIN_PG_TLS_CA", "PATH", "",
          PG_TALK | COMMAND_RENDER, "certificates of the authorities to trust (PEM)"),
    PLAIN(POSTGRES, KIND_PATH, postgres.tls_cert, "tls-cert", "ORDAIN_PG_TLS_CERT", "PATH", "",
          PG_TALK | COMMAND_RENDER,
          "certificate of the server (PEM), which is the client's too; turns the server's TLS on"),
    PLAIN(POSTGRES, KIND_PATH, postgres.tls_key, "tls-key", "ORDAIN_PG_TLS_KEY", "PATH", "",
          PG_TALK | COMMAND_RENDER, "private key of the certificate (PEM)"),
    RANGE(POSTGRES, KIND_VERSION, postgres.version_major, 13, 999, "version", "ORDAIN_PG_VERSION",
          "X", "of PG_VERSION once it is there", PG_TALK | COMMAND_RENDER,
          "major version of the server, where another one must not start on the volume"),
    RANGE(POSTGRES, KIND_SIZE, postgres.max_lag, 0, INT64_MAX, "max-lag", "ORDAIN_PG_MAX_LAG",
          "SIZE", "16MB", COMMAND_PROBE | COMMAND_STATUS,
          "how far a ready standby may be behind; 0: any lag"),
    RANGE(POSTGRES, KIND_SIZE, postgres.max_rate, 0, INT64_C(1) << 40, "max-rate",
          "ORDAIN_PG_MAX_RATE", "SIZE", "0, no limit", START,
          "bytes a second that a clone may take"),
    CHOICE(POSTGRES, KIND_CHOICE, postgres.compression, compressions, "compression",
           "ORDAIN_PG_COMPRESSION", "METHOD", "auto", START,
           "of a clone on its way; auto: lz4 where the server has it"),
    CHOICE(POSTGRES, KIND_CHOICE, postgres.clone_from, sources, "clone-from",
           "ORDAIN_PG_CLONE_FROM", "WHOM", "primary", START,
           "standby spares the primary the reading where one streams"),
    CHOICE(POSTGRES, KIND_CHOICE, postgres.diverged, policies, "diverged", "ORDAIN_PG_DIVERGED",
           "POLICY", "keep", START,
           "what becomes of data that went past the point where another pod took over"),
    PLAIN(POSTGRES, KIND_TEXT, postgres.tablespace_mapping, "tablespace-mapping",
          "ORDAIN_PG_TABLESPACE_MAPPING", "OLD=NEW,...", "", START,
          "where a clone's tablespaces go; without it a server that has some is refused"),
    RANGE(POSTGRES, KIND_INTEGER, postgres.synchronous, 0, 1000, "synchronous",
          "ORDAIN_PG_SYNCHRONOUS", "K", "left as it is", COMMAND_FORM | COMMAND_PLAN,
          "a commit waits for any K standbys (synchronous_standby_names); 0: for none"),
    PLAIN(POSTGRES, KIND_SWITCH, postgres.drop_slots, "drop-slots", "ORDAIN_PG_DROP_SLOTS", NULL,
          "", COMMAND_FORM | COMMAND_PLAN,
          "drop the slots of pods beyond the set, which hold the primary's WAL"),
    PLAIN(POSTGRES, KIND_SWITCH, postgres.initdb, "initdb", NULL, NULL, "", COMMAND_FORM,
          "what the image's entrypoint calls at the end of its first initdb"),
    PLAIN(POSTGRES, KIND_TEXT, postgres.peer_is_dead, "peer-is-dead", "ORDAIN_PG_PEER_IS_DEAD",
          "POD,...", "", COMMAND_PROMOTE,
          "pods that do not answer and never will: what they alone have is given up"),
    PLAIN(POSTGRES, KIND_TEXT, postgres.admin, "admin", "POSTGRES_USER", "NAME", "postgres",
          PG_TALK | COMMAND_RENDER, "the image's superuser, whom form, promote and status use"),
    PLAIN(POSTGRES, KIND_PATH, postgres.admin_file, NULL, "POSTGRES_USER_FILE", "PATH", "",
          PG_TALK | COMMAND_RENDER, "file with that name, in place of POSTGRES_USER"),
    PLAIN(POSTGRES, KIND_SECRET, postgres.admin_password, NULL, "POSTGRES_PASSWORD", "SECRET", "",
          PG_TALK | COMMAND_RENDER, "its password, as the image is told"),
    PLAIN(POSTGRES, KIND_PATH, postgres.admin_password_file, "admin-password-file",
          "POSTGRES_PASSWORD_FILE", "PATH", "", PG_TALK | COMMAND_RENDER,
          "file with its password, in place of POSTGRES_PASSWORD"),
    PLAIN(POSTGRES, KIND_TEXT, postgres.database, "database", "POSTGRES_DB", "NAME",
          "as the superuser is called", PG_TALK | COMMAND_RENDER, "the image's first database"),
    PLAIN(POSTGRES, KIND_PATH, postgres.database_file, NULL, "POSTGRES_DB_FILE", "PATH", "",
          PG_TALK | COMMAND_RENDER, "file with its name, in place of POSTGRES_DB"),
};

const size_t setting_row_count = sizeof setting_rows / sizeof setting_rows[0];

_Static_assert(offsetof(struct settings, redis.version_minor) ==
                       offsetof(struct settings, redis.version_major) + sizeof(int) &&
                   offsetof(struct settings, postgres.version_minor) ==
                       offsetof(struct settings, postgres.version_major) + sizeof(int),
               "a version is two ints, major and minor");
