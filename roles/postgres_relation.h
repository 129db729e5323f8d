#ifndef ROLES_POSTGRES_RELATION_H
#define ROLES_POSTGRES_RELATION_H

#include <stdbool.h>
#include <stdint.h>

/* My WAL against the named primary's history. */
enum pg_relation {
    PG_RELATION_UNKNOWN,  /* it did not say, or my WAL cannot be read */
    PG_RELATION_ANCESTOR, /* all of my WAL is its own: I can follow it as I am */
    PG_RELATION_DIVERGED, /* I have WAL behind the point where it began a timeline of its own */
    PG_RELATION_FORKED, /* I have WAL of a timeline of its own that it has not, or has otherwise */
    PG_RELATION_NEWER,  /* my timeline is later than its own */
    PG_RELATION_VALUES,
};

/*
 * How WAL that ends at END on timeline MINE stands to a primary on timeline THEIRS. FORK is where their
 * history left MINE (*has_fork false: it never was on it); THEIR_END is the primary's own position. For
 * an unknown END (0) it is unknown unless the histories alone decide. That a position fits says nothing of
 * what is written there.
 */
enum pg_relation postgres_relation(uint32_t mine, uint64_t end, uint32_t theirs, uint64_t their_end,
                                   bool has_fork, uint64_t fork);

#endif
