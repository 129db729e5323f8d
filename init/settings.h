#ifndef INIT_SETTINGS_H
#define INIT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/*
 * Every setting of ordain: a flag and its environment variable (--replicas 6 is ORDAIN_REPLICAS=6;
 * the flag wins; engine settings are ORDAIN_REDIS_X and plain --x where the command names the
 * engine). One table in settings_table.c holds name, kind, default, range, help and the commands that
 * know it; help, completion, man page and docs/settings.md are made from it.
 *
 * Text members are never NULL: "" means not set. An empty environment variable is not set.
 */

enum pod_management { POD_MANAGEMENT_ORDERED, POD_MANAGEMENT_PARALLEL };
enum birth_mode { BIRTH_AUTO, BIRTH_NEW };
enum output_format { OUTPUT_TEXT, OUTPUT_JSON };
enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct redis_settings {
    int masters;               /* 0: replicas / 2, at least 3 */
    int port;                  /* 6379; the cluster bus is port + 10000 */
    const char *username;      /* ACL user; "" is the default user */
    const char *password;      /* from the environment; never a flag */
    const char *password_file; /* wins over password; read at each use, so that it may rotate */
    const char *tls_ca, *tls_cert, *tls_key; /* TLS is on when tls_ca is set */
    int version_major, version_minor; /* of the server, 0.0 when not told: only what every version
                                         understands. Valkey's versions are told as 8.x */
    int64_t node_timeout_ms;          /* cluster-node-timeout, 5000 */
};

enum pg_diverged_policy { DIVERGED_KEEP, DIVERGED_DISCARD, DIVERGED_REWIND };
enum pg_compression { PG_COMPRESS_AUTO, PG_COMPRESS_NONE, PG_COMPRESS_LZ4, PG_COMPRESS_ZSTD };
enum pg_clone_from { CLONE_FROM_PRIMARY, CLONE_FROM_STANDBY };

struct postgres_settings {
    const char *pgdata;           /* PGDATA; settings.data_dir is it, then */
    int port;                     /* 5432 */
    const char *replication_user; /* "replicator" */
    const char *password;         /* of the replication user, from the environment; never a flag */
    const char *password_file;    /* wins over password; read at each use, so that it may rotate */
    const char *replication_from; /* networks that replication may come from, comma separated */
    int64_t max_slot_wal_keep_size; /* bytes of WAL that a slot may hold, whole MB */
    const char *sslmode; /* libpq's word: disable, prefer, require, verify-ca, verify-full */
    const char *tls_ca, *tls_cert, *tls_key; /* the servers' own certificate is the client's too */
    int version_major, version_minor; /* of the server; 0.0: PG_VERSION tells once it is there */
    int64_t max_lag;                  /* bytes that a ready standby may be behind; 0: any */
    int64_t max_rate;                 /* of a clone, bytes a second; 0: no limit */
    enum pg_compression compression;
    enum pg_clone_from clone_from;
    enum pg_diverged_policy diverged;
    const char *tablespace_mapping; /* OLD=NEW[,OLD=NEW] */
    int synchronous;                /* form: commits wait for so many standbys; -1: left as it is */
    bool drop_slots;                /* form: slots of pods that are gone may be dropped */
    bool initdb;                    /* form: called by the image's entrypoint in its first initdb */
    const char *peer_is_dead;       /* promote: pods that a person says are gone, comma separated */
    /* what the official image is told */
    const char *admin;                                /* POSTGRES_USER, postgres */
    const char *admin_password, *admin_password_file; /* POSTGRES_PASSWORD, _FILE */
    const char *database;                             /* POSTGRES_DB; "": as the user is called */
    const char *admin_file, *database_file; /* where the two were read from; "": told as values */
};

struct settings {
    /* identity */
    const char *statefulset;    /* "" : POD_NAME less -N */
    const char *service;        /* headless Service */
    const char *namespace_name; /* "" : POD_NAMESPACE, else the token's, else resolv.conf's */
    const char *cluster_domain; /* "" : of resolv.conf's svc. entry, else cluster.local */
    const char *cluster_id;     /* "" : <namespace>/<statefulset> */
    int ordinal;                /* -1: not told */
    int ordinal_start;          /* .spec.ordinals.start */
    int replicas;               /* pods at birth; 0: not told */
    enum pod_management pod_management;
    const char *zones; /* zone of each ordinal at birth, comma separated */
    const char *region, *zone;
    /* the register and what a person decides */
    const char *register_name; /* "" : kubernetes where a token is mounted, else none */
    enum birth_mode birth;
    bool adopt;                  /* --adopt: take over what ordain did not make */
    bool accept_empty_shard;     /* --accept-empty-shard: a shard's keys are lost; go on without */
    const char *promote_replica; /* --promote-replica POD: the person says who holds the data */
    /* places */
    const char *owner;       /* uid:gid, "" : of the engine's preset or of the data directory */
    const char *install_dir; /* init: copies this program there first; "": does not */
    const char *data_dir, *config_dir, *template_dir; /* postgres: data_dir is PGDATA */
    /* time; all of a whole command, 0: the command's own default */
    int64_t timeout_ms;
    int64_t probe_timeout_ms;
    int64_t peer_wait_ms; /* how long a start waits for the names of lower ordinals */
    /* the way it talks */
    bool log_json;
    int log_level; /* enum log_level */
    enum output_format output;
    enum color_mode color;       /* NO_COLOR is heeded already */
    const char *termination_log; /* where the last words go */
    /* perms */
    bool check;            /* --check: change nothing, say what is wrong */
    const char *preset;    /* "", redis, postgres */
    const char *hardlinks; /* auto, fix, skip, fail */
    bool cross_mounts;
    bool always; /* --always: walk although the root is right */
    struct redis_settings redis;
    struct postgres_settings postgres;
    /* what the kubelet tells (downward API); not settings, no flags */
    const char *pod_name, *pod_namespace, *pod_ip, *pod_ips, *pod_index;
};

/* A bit for each command that knows a setting; see command.h. */
typedef unsigned command_set;

/*
 * Reads flags (ARGV after the command's words) and environment into SETTINGS. Flags and operands
 * may come in any order; what follows "--" is operands. ARGV is put in order: the operands are
 * ARGV[*OPERANDS_AT] to its end, the "--" left out. COMMAND is one bit of a command_set, ENGINE
 * "redis", "postgres" or "". Kinds: ERR_USAGE for an unknown or ill-used flag ("did you mean"
 * included), ERR_CONFIG for a bad value in the environment or in a file that it names, an unknown
 * ORDAIN_* variable, a service link's tcp:// value in a known one. SETTINGS holds what could be read
 * also on failure. All texts point into ARGV, the environment, or what was read of POSTGRES_USER_FILE and
 * POSTGRES_DB_FILE, which the next call overwrites.
 */
bool settings_read(struct settings *settings, command_set command, const char *engine, int argc,
                   char **argv, int *operands_at, struct err *err);

/* What help, completion, the man page and the documentation show of one setting. */
struct setting_info {
    const char *flag;         /* "replicas" */
    const char *variable;     /* "ORDAIN_REPLICAS"; NULL: a flag only */
    const char *value;        /* "N", "PATH", ... ; NULL: a switch without value */
    const char *default_text; /* as a person reads it; "" : none */
    const char *help;         /* one sentence */
    const char *engine;       /* "", "redis", "postgres" */
    const char *const *words; /* the values it takes, NULL-terminated; NULL: free */
    command_set commands;
};
size_t settings_count(void);
const struct setting_info *settings_info(size_t index);

/* docs/settings.md, whole, as Markdown. */
void settings_write_markdown(struct buf *out);

#endif
