#include "tests/unit/tables.h"

#include <stdio.h>

#include "tests/unit/golden.h"

const char *const recorded[RECORDED] = {
    "six-redis-7.0",       "six-redis-8.0",        "six-valkey-8.1",
    "importing-redis-7.0", "resharding-redis-7.0", "promoted-redis-7.0",
};

char *read_recorded(const char *name, const char *suffix, size_t *len)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "nodes_conf/%s%s", name, suffix);
    return golden_read(path, len);
}
