#ifndef ROLES_CELLS_H
#define ROLES_CELLS_H

#include <stdbool.h>

/* The cells of a decision table: what a row asks of a fact. For files of roles/ that hold such a table. */

/* Of a fact that is true or false. */
enum cell { ANY, NO, YES };

static inline bool is(enum cell cell, bool fact)
{
    return cell == ANY || (cell == YES) == fact;
}

/* Of a fact with several values, an enum's: the set of those that fit; 0: any. */
#define SET(value) (1U << (value))

static inline bool in(unsigned set, unsigned value)
{
    return set == 0 || (set & SET(value)) != 0;
}

#endif
