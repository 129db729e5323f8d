#include "init/settings_table.h"

#include "init/command.h"
#include "init/sys/clock.h"

/* The commands that ask who the pods are. */
#define PODS                                                                                       \
    (COMMAND_INIT | COMMAND_EXEC | COMMAND_FORM | COMMAND_PROBE | COMMAND_PLAN | COMMAND_STATUS |  \
     COMMAND_ROLE | COMMAND_PEERS | COMMAND_RENDER)
/* Those that come before a server's start. */
#define START (COMMAND_INIT | COMMAND_EXEC | COMMAND_PLAN)
/* Those that talk to servers. */
#define TALK (START | COMMAND_FORM | COMMAND_PROBE | COMMAND_STATUS)
#define ALL (PODS | COMMAND_PERMS | COMMAND_INSTALL | COMMAND_COMPLETION)
#define MINUTE (60 * INT64_C(1000))
#define DAY (24 * 60 * MINUTE)

static const char *const managements[] = {"OrderedReady", "Parallel", NULL};
static const char *const births[] = {"auto", "new", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const outputs[] = {"text", "json", NULL};
static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const presets[] = {"redis", "postgres", NULL};
static const char *const hardlink_policies[] = {"fix", "skip", "fail", NULL};

#define MEMBER(member) offsetof(struct settings, member), sizeof(((struct settings *)0)->member)
#define NO_RANGE 0, 0, false

/* A setting that every engine has, and one of Redis. */
#define FREE(flag, variable, value, given, commands, help)                                         \
    {                                                                                              \
        flag, variable, value, given, help, "", NULL, commands                                     \
    }
#define ONE_OF(flag, variable, value, words, given, commands, help)                                \
    {                                                                                              \
        flag, variable, value, given, help, "", words, commands                                    \
    }
#define REDIS(flag, variable, value, given, commands, help)                                        \
    {                                                                                              \
        flag, variable, value, given, help, "redis", NULL, commands                                \
    }
#define LATER(flag, variable)                                                                      \
    {                                                                                              \
        {flag, variable, "", "", "", "postgres", NULL, 0}, KIND_TEXT, 0, 0, 0, 0, true             \
    }

/* clang-format off: a row is what it takes, then what it is; the formatter scatters both */
const struct setting_row setting_rows[] = {
    {FREE("statefulset", "ORDAIN_STATEFULSET", "NAME", "POD_NAME less -N", PODS,
          "name of the StatefulSet; needed where there is no POD_NAME, as in a Job"),
     KIND_NAME, MEMBER(statefulset), NO_RANGE},
    {FREE("service", "ORDAIN_SERVICE", "NAME", "", PODS,
          "name of the headless Service that gives the pods their DNS names"),
     KIND_NAME, MEMBER(service), NO_RANGE},
    {FREE("namespace", "ORDAIN_NAMESPACE", "NAME", "POD_NAMESPACE, else the token's, else resolv.conf's", PODS,
          "namespace of the pods"),
     KIND_NAME, MEMBER(namespace_name), NO_RANGE},
    {FREE("cluster-domain", "ORDAIN_CLUSTER_DOMAIN", "DOMAIN", "from resolv.conf, else cluster.local", PODS,
          "DNS domain of the Kubernetes cluster"),
     KIND_NAME, MEMBER(cluster_domain), NO_RANGE},
    {FREE("cluster-id", "ORDAIN_CLUSTER_ID", "TEXT", "NAMESPACE/STATEFULSET", PODS,
          "what this cluster is called; make it unique where pods of two Kubernetes clusters can reach each other"),
     KIND_TEXT, MEMBER(cluster_id), NO_RANGE},
    {FREE("ordinal", "ORDAIN_ORDINAL", "N", "POD_INDEX, else the tail of POD_NAME or of the host name", PODS,
          "ordinal of this pod"),
     KIND_INTEGER, MEMBER(ordinal), 0, INT32_MAX, false},
    {FREE("ordinal-start", "ORDAIN_ORDINAL_START", "N", "0", PODS,
          "first ordinal, the StatefulSet's .spec.ordinals.start"),
     KIND_INTEGER, MEMBER(ordinal_start), 0, INT32_MAX, false},
    {FREE("replicas", "ORDAIN_REPLICAS", "N", "", PODS,
          "number of pods at birth; it stays the same when the StatefulSet is scaled later"),
     KIND_INTEGER, MEMBER(replicas), 1, 1000, false},
    {ONE_OF("pod-management", "ORDAIN_POD_MANAGEMENT", "POLICY", managements, "OrderedReady", PODS,
            "the StatefulSet's .spec.podManagementPolicy"),
     KIND_CHOICE, MEMBER(pod_management), NO_RANGE},
    {FREE("zones", "ORDAIN_ZONES", "ZONE,...", "", PODS,
          "zone of each ordinal at birth; replicas are placed in another zone than their master"),
     KIND_TEXT, MEMBER(zones), NO_RANGE},
    {FREE("region", "ORDAIN_REGION", "NAME", "", START | COMMAND_RENDER,
          "region of this pod, for templates"),
     KIND_TEXT, MEMBER(region), NO_RANGE},
    {FREE("zone", "ORDAIN_ZONE", "NAME", "", START | COMMAND_RENDER,
          "zone of this pod, for templates"),
     KIND_TEXT, MEMBER(zone), NO_RANGE},

    {FREE("register", "ORDAIN_REGISTER", "kubernetes|none|file:PATH", "kubernetes where a token is mounted, else none", TALK,
          "where it is recorded which pods were born"),
     KIND_TEXT, MEMBER(register_name), NO_RANGE},
    {ONE_OF("birth", "ORDAIN_BIRTH", "MODE", births, "auto", START | COMMAND_FORM,
            "new says that this is a first install, which register none cannot know"),
     KIND_CHOICE, MEMBER(birth), NO_RANGE},
    {FREE("adopt", "ORDAIN_ADOPT", NULL, "", START | COMMAND_FORM,
          "take over a cluster that ordain did not make"),
     KIND_SWITCH, MEMBER(adopt), NO_RANGE},
    {FREE("accept-empty-shard", "ORDAIN_ACCEPT_EMPTY_SHARD", NULL, "", START | COMMAND_FORM,
          "the keys of a shard are lost with its volumes: go on without them"),
     KIND_SWITCH, MEMBER(accept_empty_shard), NO_RANGE},
    {FREE("promote-replica", "ORDAIN_PROMOTE_REPLICA", "POD", "", COMMAND_FORM | COMMAND_PLAN,
          "the pod that holds the data of a shard whose master is lost"),
     KIND_NAME, MEMBER(promote_replica), NO_RANGE},

    {FREE("owner", "ORDAIN_OWNER", "UID[:GID]", "of the preset or of the data directory", START | COMMAND_PERMS | COMMAND_RENDER,
          "user and group of the server, as numbers"),
     KIND_TEXT, MEMBER(owner), NO_RANGE},
    {FREE("data-dir", "ORDAIN_DATA_DIR", "DIR", "/data", START | COMMAND_FORM | COMMAND_PROBE | COMMAND_RENDER,
          "the server's volume"),
     KIND_PATH, MEMBER(data_dir), NO_RANGE},
    {FREE("config-dir", "ORDAIN_CONFIG_DIR", "DIR", "/etc/redis", START | COMMAND_PROBE | COMMAND_RENDER,
          "where the rendered configuration goes"),
     KIND_PATH, MEMBER(config_dir), NO_RANGE},
    {FREE("template-dir", "ORDAIN_TEMPLATE_DIR", "DIR", "built in", START | COMMAND_RENDER,
          "templates that replace the built-in ones file by file"),
     KIND_PATH, MEMBER(template_dir), NO_RANGE},

    {FREE("timeout", "ORDAIN_TIMEOUT", "TIME", "of the command", PODS & ~(unsigned)COMMAND_PROBE,
          "time for the whole command"),
     KIND_DURATION, MEMBER(timeout_ms), 1, DAY, false},
    {FREE("probe-timeout", "ORDAIN_PROBE_TIMEOUT", "TIME", "800ms", COMMAND_PROBE,
          "time for one probe; less than the probe's timeoutSeconds"),
     KIND_DURATION, MEMBER(probe_timeout_ms), 1, 10 * MINUTE, false},
    {FREE("peer-wait", "ORDAIN_PEER_WAIT", "TIME", "30s", START,
          "how long a start waits for the names of lower ordinals"),
     KIND_DURATION, MEMBER(peer_wait_ms), 0, DAY, false},

    {ONE_OF("log-format", "ORDAIN_LOG_FORMAT", "FORMAT", log_formats, "text", ALL,
            "form of the log, which goes to stderr"),
     KIND_CHOICE, MEMBER(log_json), NO_RANGE},
    {ONE_OF("log-level", "ORDAIN_LOG_LEVEL", "LEVEL", log_levels, "info", ALL,
            "lowest level that the log shows"),
     KIND_CHOICE, MEMBER(log_level), NO_RANGE},
    {ONE_OF("output", "ORDAIN_OUTPUT", "FORMAT", outputs, "text",
            COMMAND_STATUS | COMMAND_PLAN | COMMAND_ROLE | COMMAND_PEERS | COMMAND_PERMS | COMMAND_FORM,
            "form of the answer, which goes to stdout"),
     KIND_CHOICE, MEMBER(output), NO_RANGE},
    {ONE_OF("color", "ORDAIN_COLOR", "WHEN", colors, "auto", COMMAND_STATUS | COMMAND_PLAN,
            "colour of the answer; auto: on a terminal, unless NO_COLOR is set"),
     KIND_CHOICE, MEMBER(color), NO_RANGE},
    {FREE("termination-log", "ORDAIN_TERMINATION_LOG", "PATH", "/dev/termination-log",
          COMMAND_INIT | COMMAND_EXEC | COMMAND_FORM,
          "the container's terminationMessagePath, which gets the last sentence; it is never created"),
     KIND_PATH, MEMBER(termination_log), NO_RANGE},

    {FREE("check", NULL, NULL, "", COMMAND_PERMS | COMMAND_RENDER,
          "change nothing; say what is wrong, with status 1"),
     KIND_SWITCH, MEMBER(check), NO_RANGE},
    {ONE_OF("preset", "ORDAIN_PRESET", "ENGINE", presets, "", COMMAND_PERMS,
            "owner and modes as the engine's official image wants them"),
     KIND_WORD, MEMBER(preset), NO_RANGE},
    {ONE_OF("hardlinks", "ORDAIN_HARDLINKS", "POLICY", hardlink_policies, "fix", COMMAND_PERMS | COMMAND_INIT,
            "what becomes of files with more than one name, which may lead out of the volume"),
     KIND_WORD, MEMBER(hardlinks), NO_RANGE},
    {FREE("cross-mounts", "ORDAIN_CROSS_MOUNTS", NULL, "", COMMAND_PERMS | COMMAND_INIT,
          "go into file systems mounted below the directory, too"),
     KIND_SWITCH, MEMBER(cross_mounts), NO_RANGE},
    {FREE("always", "ORDAIN_ALWAYS", NULL, "", COMMAND_PERMS | COMMAND_INIT,
          "walk the whole volume although its root is right"),
     KIND_SWITCH, MEMBER(always), NO_RANGE},

    {REDIS("masters", "ORDAIN_REDIS_MASTERS", "N", "replicas / 2, at least 3", PODS,
           "number of masters at birth"),
     KIND_INTEGER, MEMBER(redis.masters), 1, 1000, false},
    {REDIS("port", "ORDAIN_REDIS_PORT", "PORT", "6379", PODS,
           "the server's port, of TLS where TLS is on; the cluster bus is 10000 above"),
     KIND_INTEGER, MEMBER(redis.port), 1, 55535, false},
    {REDIS("username", "ORDAIN_REDIS_USERNAME", "NAME", "the default user", TALK | COMMAND_RENDER,
           "ACL user"),
     KIND_TEXT, MEMBER(redis.username), NO_RANGE},
    {REDIS(NULL, "ORDAIN_REDIS_PASSWORD", "SECRET", "", TALK | COMMAND_RENDER,
           "password, from a Secret; there is no such flag, since others can read arguments"),
     KIND_SECRET, MEMBER(redis.password), NO_RANGE},
    {REDIS("password-file", "ORDAIN_REDIS_PASSWORD_FILE", "PATH", "", TALK | COMMAND_RENDER,
           "file with the password, read at each use; wins over the variable"),
     KIND_PATH, MEMBER(redis.password_file), NO_RANGE},
    {REDIS("tls-ca", "ORDAIN_REDIS_TLS_CA", "PATH", "", TALK | COMMAND_RENDER,
           "certificates of the authorities to trust (PEM); turns TLS on"),
     KIND_PATH, MEMBER(redis.tls_ca), NO_RANGE},
    {REDIS("tls-cert", "ORDAIN_REDIS_TLS_CERT", "PATH", "", TALK | COMMAND_RENDER,
           "certificate of the server, which is the client's too (PEM)"),
     KIND_PATH, MEMBER(redis.tls_cert), NO_RANGE},
    {REDIS("tls-key", "ORDAIN_REDIS_TLS_KEY", "PATH", "", TALK | COMMAND_RENDER,
           "private key of the certificate (PEM)"),
     KIND_PATH, MEMBER(redis.tls_key), NO_RANGE},
    {REDIS("version", "ORDAIN_REDIS_VERSION", "X.Y", "what every version understands", TALK | COMMAND_RENDER,
           "version of the server (Valkey's, too), for directives that only newer ones know"),
     KIND_VERSION, MEMBER(redis.version_major), 1, 999, false},
    {REDIS("node-timeout", "ORDAIN_REDIS_NODE_TIMEOUT", "TIME", "5s", TALK | COMMAND_RENDER,
           "cluster-node-timeout: after this silence a node counts as failed"),
     KIND_DURATION, MEMBER(redis.node_timeout_ms), 100, 60 * MINUTE, false},

    LATER("port", "ORDAIN_PG_PORT"),
    LATER("replication-user", "ORDAIN_PG_REPLICATION_USER"),
    LATER("password-file", "ORDAIN_PG_PASSWORD_FILE"),
    LATER("sslmode", "ORDAIN_PG_SSLMODE"),
    LATER("version", "ORDAIN_PG_VERSION"),
    LATER("max-lag", "ORDAIN_PG_MAX_LAG"),
    LATER("max-rate", "ORDAIN_PG_MAX_RATE"),
    LATER("compression", "ORDAIN_PG_COMPRESSION"),
    LATER("clone-from", "ORDAIN_PG_CLONE_FROM"),
    LATER("diverged", "ORDAIN_PG_DIVERGED"),
};
/* clang-format on */

const size_t setting_row_count = sizeof setting_rows / sizeof setting_rows[0];

_Static_assert(offsetof(struct settings, redis.version_minor) ==
                   offsetof(struct settings, redis.version_major) + sizeof(int),
               "a version is two ints, major and minor");
