#ifndef ROLES_REDIS_MEND_ROWS_H
#define ROLES_REDIS_MEND_ROWS_H

#include "roles/redis_mend.h"

/* The parts of a mend that change rows; what only redis_mend.c needs. */

/* Sets each row's address, host name and flags by FACTS; counts the rows whose address changed.
 * True when anything changed. ME is the index of my row. */
bool redis_mend_rows_address(const struct mend_facts *facts, struct redis_table *out, int me,
                             int *addresses);

/* Gives all rows of a shard one shard id; true when anything changed. */
bool redis_mend_rows_shards(struct redis_table *out);

/* Leaves each slot with one row; the first FROM_FILE rows come before the others. Rows that lose
 * slots get new slot words in SCRATCH. *CONTESTED counts the slots; false when SCRATCH is too
 * small. */
bool redis_mend_rows_slots(struct redis_table *out, int from_file, struct text_out *scratch,
                           int *contested);

#endif
