#ifndef INIT_POSTGRES_CLONE_PLACES_H
#define INIT_POSTGRES_CLONE_PLACES_H

#include <stdbool.h>

#include "init/postgres/clone.h"

/* The places beside PGDATA, and beside where a tablespace is to be. */

/* PATH with SUFFIX; ERR_CONFIG where it does not fit. */
bool clone_path(char out[static CLONE_PATH_MAX], const char *path, const char *suffix,
                struct err *err);
/* The directory that PATH is in. */
void clone_parent(char out[static CLONE_PATH_MAX], const char *path);
/* Removes the directory STAGING of a clone that never became PGDATA, with what it unpacked for its tablespaces. */
bool clone_discard_staging(const char *staging, struct err *err);
/* True when nothing or an empty directory is at PATH, else ERR_REFUSED. */
bool clone_place_is_free(const char *path, struct err *err);

#endif
