#ifndef INIT_REDIS_FORM_BIRTHS_H
#define INIT_REDIS_FORM_BIRTHS_H

#include <stdbool.h>
#include <stdint.h>

#include "init/redis/form.h"

/* What the register tells `form` of births, and what it learns of those that form gives. */

/* Reads, of the register of LOOK, which ids the pods were born with and have now; one that cannot be
 * read in a moment is left for the next look (register_err has why). True: it told something new. */
bool form_births_know(struct form_look *look, int64_t deadline_ns);

/* An id recorded before that is not the server's present one means a lost volume. */
void form_births_note(struct form_look *look);

/* Servers that init never seeded are born by form; as in init the register learns of it first: it is
 * read anew, decided upon again, and written, unless *recorded tells that this run did. True with a plan
 * that is no birth. */
bool form_births_allow(struct form_look *look, bool *recorded, int64_t deadline_ns,
                       struct err *err);

#endif
