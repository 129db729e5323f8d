#ifndef INIT_RENDER_H
#define INIT_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/identity.h"
#include "init/settings.h"
#include "init/sys/err.h"

/* What is known of one peer when the configuration is rendered. */
struct render_peer {
    int ordinal;
    const char *pod_name;
    const char *host_name;
    const char *ip; /* "" : not known */
    const char *role;
    const char *zone;
};

/* What Postgres' templates know beside the settings. */
struct render_postgres {
    int primary;             /* ordinal of whom a standby follows; -1: nobody (yet) */
    const char *ordain_path; /* this program's, for the image's first initdb */
    unsigned max_connections, max_worker_processes, max_wal_senders, max_prepared_xacts,
        max_locks_per_xact; /* of the data directory's control file; 0 where there is none */
};

struct render_facts {
    const struct identity *identity;
    const struct settings *settings;
    const char *engine; /* "redis", "postgres" */
    const char *role;   /* "master", "replica"; "primary", "standby" */
    const char *zone;   /* of the birth, "" : none; settings->zone wins */
    const struct render_peer *peers;
    size_t peer_count;
    const struct render_postgres *postgres; /* NULL for Redis */
};

/*
 * Renders every template of ENGINE (built in, replaced file by file from settings->template_dir,
 * which may add further files) into settings->config_dir, and writes `role` and `ordain.env` beside
 * them: atomic, only what changes, what comes from a template 0600 (it may hold a secret), the two
 * others 0644. A template "initdb.d-X" becomes initdb.d/X, 0700: the image's entrypoint runs these. *changed counts written files. With an error in any template nothing is written; all
 * errors of all templates are told at once, one line each, with file:line:column (ERR_CONFIG). DRY:
 * renders and compares, writes nothing; *changed counts what would be written.
 */
bool render_config(const struct render_facts *facts, bool dry, size_t *changed, struct err *err);

#endif
