#ifndef ROLES_POSTMASTER_OPTS_H
#define ROLES_POSTMASTER_OPTS_H

#include <stddef.h>

enum postmaster_opts_answer {
    POSTMASTER_OPTS_UNKNOWN, /* empty or cut */
    POSTMASTER_OPTS_YES,
    POSTMASTER_OPTS_NO,
};

/*
 * Was the last server of this PGDATA the one that the official image's entrypoint runs for its init
 * scripts? TEXT is PGDATA/postmaster.opts, one line: the program, then each argument in quotes
 * (postmaster.c CreateOptsFile, PostgreSQL 13 to 18). That server has listen_addresses= with no
 * value among its arguments (docker-library/postgres docker-entrypoint.sh
 * docker_temp_server_start); the last such argument counts, as for the server.
 */
enum postmaster_opts_answer postmaster_opts_is_initdb_server(const char *text, size_t len);

#endif
