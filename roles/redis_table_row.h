#ifndef ROLES_REDIS_TABLE_ROW_H
#define ROLES_REDIS_TABLE_ROW_H

#include "roles/redis_table.h"

/* One row of a table; what only redis_table_parse.c needs. */

/* True when a server splits LINE at its blanks only: it splits as its own command lines are split,
 * where quotes and escapes join words (redis 7.0 sds.c sdssplitargs), and reads texts up to a NUL.
 */
bool redis_table_row_is_plain(struct span line);

/* The next word of *LINE, which moves behind it; empty at the end. */
struct span redis_table_row_word(struct span *line);

/* Makes *NODE of a plain LINE; false when it is cut or malformed. IS_FILE: a flag that this ordain
 * does not know is an error (a server panics there); in a reply it is kept as REDIS_FLAG_UNKNOWN.
 */
bool redis_table_row_parse(struct span line, bool is_file, struct redis_node *node);

#endif
