#include "roles/postgres_relation.h"

enum pg_relation postgres_relation(uint32_t mine, uint64_t end, uint32_t theirs, uint64_t their_end,
                                   bool has_fork, uint64_t fork)
{
    if (theirs < mine)
        return PG_RELATION_NEWER;
    if (theirs > mine && !has_fork)
        return PG_RELATION_DIVERGED;
    if (end == 0)
        return PG_RELATION_UNKNOWN;
    if (theirs == mine)
        return end <= their_end ? PG_RELATION_ANCESTOR : PG_RELATION_FORKED;
    return end <= fork ? PG_RELATION_ANCESTOR : PG_RELATION_DIVERGED;
}
