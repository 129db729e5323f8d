#include "init/postgres/wal_compare.h"

#include <stdlib.h>

#include "init/postgres/wal_fetch.h"

void wal_compare(struct wal_compare_result *result, const struct wal_files_query *query,
                 uint64_t until, struct pg_client *client, int server, int64_t deadline_ns)
{
    struct wal_tail *tail = &result->tail;
    struct err *why = &result->why;
    bool known = false;
    *result = (struct wal_compare_result){.likeness = WAL_UNTOLD};
    if (!wal_files_find_tail(query, until, tail, &known, deadline_ns, why))
        return;
    if (!known) {
        err_set(why, ERR_LATER, "this volume has no whole record of WAL there");
        return;
    }
    const size_t size = (size_t)(tail->end - tail->begin);
    unsigned char *bytes = malloc(size);
    const struct wal_fetch fetch = {client, server, tail->timeline, tail->begin, size};
    const struct wal_other other = {tail->begin, size, bytes};
    bool done = bytes != NULL || err_set(why, ERR_IO, "out of memory");
    done = done && wal_fetch(&fetch, bytes, deadline_ns, why) &&
           wal_files_compare(query, tail, &other, &result->differs, deadline_ns, why);
    if (done)
        result->likeness = result->differs != 0 ? WAL_DIFFERENT : WAL_ALIKE;
    free(bytes);
}
