#include "init/postgres/wal_compare.h"

#include <stdlib.h>

/* Compares TAIL, which begins where what the server sent does from now on. */
static bool compare(struct wal_compare_result *result, const struct wal_files_query *query,
                    const struct wal_server *server, unsigned char *bytes, int64_t deadline_ns)
{
    uint64_t from;
    struct wal_end end;
    struct wal_tail *tail = &result->tail;
    struct err *why = &result->why;
    if (!wal_history_fetch(server, tail->begin, (size_t)(tail->end - tail->begin), bytes, &from,
                           deadline_ns, why))
        return false;
    const struct wal_other other = {from, (size_t)(tail->end - from), bytes + (from - tail->begin)};
    if (!wal_files_compare(query, tail, &other, &end, deadline_ns, why))
        return false;
    tail->begin = from;
    tail->dated = end.dated >= from;
    result->differs = end.differs;
    result->likeness = end.differs != 0 ? WAL_DIFFERENT : WAL_ALIKE;
    return true;
}

void wal_compare(struct wal_compare_result *result, const struct wal_files_query *query,
                 uint64_t until, const struct wal_server *server, int64_t deadline_ns)
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
    unsigned char *bytes = malloc((size_t)(tail->end - tail->begin));
    if (bytes == NULL)
        err_set(why, ERR_IO, "out of memory");
    else
        (void)compare(result, query, server, bytes, deadline_ns);
    free(bytes);
}
