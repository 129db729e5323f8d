#ifndef INIT_POSTGRES_KEPT_TARGET_H
#define INIT_POSTGRES_KEPT_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "init/postgres/client.h"

/* A target whose texts are its own. NULL in what is copied becomes "". */
struct kept_target {
    struct pg_target target; /* its texts lie in TEXTS */
    char *texts;
    size_t texts_len;
};

/* False when out of memory. */
bool kept_target_init(struct kept_target *kept, const struct pg_target *target);
/* Wipes it, for the password's sake. */
void kept_target_free(struct kept_target *kept);

#endif
