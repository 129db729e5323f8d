#ifndef INIT_POSTGRES_ENTRYPOINT_H
#define INIT_POSTGRES_ENTRYPOINT_H

#include <stdbool.h>

#include "init/sys/err.h"

/*
 * The scripts that the official image's entrypoint runs on its temporary server behind initdb
 * (docker-library/postgres docker-entrypoint.sh docker_process_init_files): what a shell's
 * /docker-entrypoint-initdb.d/ * lists, in that order. ordain's own must be the last one: it says that the
 * birth is whole, and after it nobody runs any script again.
 */

/* ERR_CONFIG with the line to change where ordain's script is not there, or a script may run behind it. */
bool entrypoint_check(struct err *err);

/* True for a file that the entrypoint runs and that stands behind ordain's script in the order of some
 * locale: by bytes, or by letters and digits alone whatever their case. */
bool entrypoint_runs_behind(const char *name);

#endif
